"""True answers: how each is said, and whether a free text says it.

Every answer knows `text`, its canonical wording; `key`, what it is in short (equal keys are equal
answers, for counting); `chance`, how often the best guess without having watched is right; and
`accepts`, the score of a text: right or not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from flashstream.evals.world.questions import phrases
from flashstream.evals.world.questions.lexicon import Lexicon, with_article

WHEN_TOLERANCE: Final = 0.1
SPAN_TOLERANCE: Final = 0.2
LEAST_WHEN_S: Final = 1.0
LEAST_SPAN_S: Final = 2.0
LIST_F1: Final = 0.75

_LEXICON: Final = Lexicon()
_YES: Final = re.compile(r"\b(?:yes|yeah|yep|correct|true)\b", re.IGNORECASE)
_NO: Final = re.compile(
    r"\b(?:no|nope|not|never|none|incorrect|false|wasn't|isn't|didn't|hasn't)\b", re.IGNORECASE
)


class Answer(Protocol):
    """See the module."""

    @property
    def text(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def chance(self) -> float: ...
    def accepts(self, said: str, asked_at: datetime) -> bool: ...


@dataclass(frozen=True, slots=True)
class YesNo:
    """said: the sentence after "Yes" or "No"; right is who says yes or no first of the two."""

    yes: bool
    said: str = ""
    chance: float = 0.5

    @property
    def text(self) -> str:
        return f"{self.key.capitalize()}{', ' + self.said if self.said else ''}."

    @property
    def key(self) -> str:
        return "yes" if self.yes else "no"

    def accepts(self, said: str, asked_at: datetime) -> bool:
        yes, no = _YES.search(said), _NO.search(said)
        if yes is None and no is None:
            return False
        says_yes = yes is not None and (no is None or yes.start() < no.start())
        return says_yes == self.yes


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few ways to say it. options: for each, patterns that a text must match; right is a
    text that matches the right option, and it alone, or it before all others."""

    options: tuple[tuple[str, str], ...]
    right: int
    text: str

    @property
    def key(self) -> str:
        return self.options[self.right][0]

    @property
    def chance(self) -> float:
        return 1 / len(self.options)

    def accepts(self, said: str, asked_at: datetime) -> bool:
        found = [
            (match.start(), number)
            for number, (_, pattern) in enumerate(self.options)
            if (match := re.search(pattern, said, re.IGNORECASE))
        ]
        return bool(found) and min(found)[1] == self.right


@dataclass(frozen=True, slots=True)
class Things:
    """A list of names, perhaps empty.

    ordered: the order counts; exact: all of them and no others, else F1 of at least `LIST_F1`
    (of an ordered list, with the longest common subsequence as what is right).
    """

    names: tuple[str, ...]
    ordered: bool = False
    exact: bool = False
    chance: float = 0.1

    @property
    def text(self) -> str:
        words = phrases.say_list([with_article(name) for name in self.names]) or "nothing"
        return f"{words[0].upper()}{words[1:]}."

    @property
    def key(self) -> str:
        return ", ".join(self.names if self.ordered else sorted(self.names)) or "nothing"

    def accepts(self, said: str, asked_at: datetime) -> bool:
        told = _LEXICON.names(said)
        if not self.names:
            return not told and bool(
                re.search(r"\b(?:nothing|nobody|no|none|empty)\b", said, re.IGNORECASE)
            )
        if self.exact:
            return told == list(self.names) if self.ordered else set(told) == set(self.names)
        return self.f1(told) >= LIST_F1

    def f1(self, told: Sequence[str]) -> float:
        """Of names told against the true ones, 0 to 1."""
        common = (
            _longest_common(self.names, told) if self.ordered else len(set(told) & set(self.names))
        )
        return 2 * common / (len(self.names) + len(told))


@dataclass(frozen=True, slots=True)
class Count:
    """A number. unit: what follows it in the answer's words, "" for times that something was."""

    number: int
    options: int
    text: str

    @property
    def key(self) -> str:
        return str(self.number)

    @property
    def chance(self) -> float:
        return 1 / self.options

    def accepts(self, said: str, asked_at: datetime) -> bool:
        return phrases.read_number(said) == self.number


@dataclass(frozen=True, slots=True)
class Age:
    """A moment, as "7 minutes ago" or by the clock; right within `WHEN_TOLERANCE` of the time that
    has passed since, and always within `LEAST_WHEN_S`."""

    seconds: float
    clock: str
    chance: float = 0.2

    @property
    def text(self) -> str:
        return f"{phrases.say_span(self.seconds)} ago, at {self.clock}."

    @property
    def key(self) -> str:
        return f"{self.seconds:g} s ago"

    def accepts(self, said: str, asked_at: datetime) -> bool:
        return self.near(phrases.read_age(said, asked_at))

    def near(self, seconds: float | None) -> bool:
        """Whether an age is the right one; None is not."""
        tolerance = max(LEAST_WHEN_S, WHEN_TOLERANCE * self.seconds)
        return seconds is not None and abs(seconds - self.seconds) <= tolerance


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time; right within `SPAN_TOLERANCE` of it, and within `LEAST_SPAN_S`."""

    seconds: float
    chance: float = 0.2

    @property
    def text(self) -> str:
        return f"{phrases.say_span(self.seconds).capitalize()}."

    @property
    def key(self) -> str:
        return f"{self.seconds:g} s"

    def accepts(self, said: str, asked_at: datetime) -> bool:
        return self.near(phrases.read_span(said))

    def near(self, seconds: float | None) -> bool:
        """Whether a length is the right one; None is not."""
        tolerance = max(LEAST_SPAN_S, SPAN_TOLERANCE * self.seconds)
        return seconds is not None and abs(seconds - self.seconds) <= tolerance


def _longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for x in a:
        before = row
        row = [0]
        for j, y in enumerate(b):
            row.append(before[j] + 1 if x == y else max(before[j + 1], row[j]))
    return row[-1]
