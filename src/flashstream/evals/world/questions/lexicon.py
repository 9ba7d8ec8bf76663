"""The things of worlds in free text: which are named, and in what order."""

import re
from collections.abc import Iterable
from typing import Final

from flashstream.evals.world.names import NAMES, Name, extras

_WORD: Final = re.compile(r"[a-z]+")


class Lexicon:
    """Finds names and their synonyms, in singular or plural, the longest first."""

    def __init__(self, names: Iterable[Name] = (*NAMES, *extras())) -> None:
        self._known: dict[tuple[str, ...], str] = {}
        for name in names:
            for words in (name.word, *name.also):
                self._known.setdefault(_stems(words), name.word)
        self._longest = max((len(words) for words in self._known), default=0)

    def names(self, text: str) -> list[str]:
        """The things that a text names, in its order, each once."""
        words = _stems(text)
        found: dict[str, None] = {}
        at = 0
        while at < len(words):
            for span in range(min(self._longest, len(words) - at), 0, -1):
                name = self._known.get(words[at : at + span])
                if name is not None:
                    found.setdefault(name)
                    at += span - 1
                    break
            at += 1
        return list(found)


def with_article(name: str) -> str:
    """ "an owl"."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _stems(text: str) -> tuple[str, ...]:
    return tuple(_singular(word) for word in _WORD.findall(text.lower().replace("'s", "")))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "oes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
