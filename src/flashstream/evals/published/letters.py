"""The option that an answer to a multiple-choice question means."""

import re
from collections.abc import Sequence

from flashstream.evals.published.question import LETTERS

_SAID = re.compile(
    r"(?i:\b(?:answer|option|choice)\b(?:\s+(?:is|would\s+be|should\s+be))?\s*[:=]?\s*"
    r"(?:(?:option|choice|letter)\s+)?)"
    r"[*\"'\[(]*([A-H](?=$|[\s).:,;\]*\"'])|[a-h](?=\s*$|[).\]*\"']))"
)
_LEADING = re.compile(r"^[\s*\"'\[(]*([A-Ha-h])(?=\s*$|\s*[).:;\]*\"']|,)")
_OR_ANOTHER = re.compile(r"[\s)\].]*(?:,|/|and\b|or\b)\s*[(\[]?[A-H](?!\w)")
_BRACKETED = re.compile(r"[(\[]\s*([A-H])\s*[)\]]")
# "A man" is no choice of A; "A and B" is one of both.
_ALONE = re.compile(r"(?<![\w'])(A(?!\s+(?!and\b|or\b|is\b)[a-z])|[B-H])(?=$|[\s).:,;\]*\"'])")


def letter_of(answer: str, options: Sequence[str]) -> str | None:
    """The letter that an answer means, or None if it can be read in no or in several ways.

    Looked for in this order: a letter at the very beginning ("B", "(b) red", "B. red"); one that
    is said to be the answer; one in brackets; the text of exactly one option; a capital that
    stands alone, other than the article in "A man".
    """
    letters = LETTERS[: len(options)]
    leading = _LEADING.match(answer)
    if leading and _OR_ANOTHER.match(answer, leading.end()):
        leading = None
    if leading and leading[1].upper() in letters:
        return leading[1].upper()
    for pattern in (_SAID, _BRACKETED):
        found = {match.upper() for match in pattern.findall(answer)} & set(letters)
        if found:
            return found.pop() if len(found) == 1 else None
    named = _named(answer, options)
    if named is not None:
        return LETTERS[named]
    alone = set(_ALONE.findall(answer)) & set(letters)
    return alone.pop() if len(alone) == 1 else None


def _named(answer: str, options: Sequence[str]) -> int | None:
    """The number of the only option whose words the answer has, longer options first."""
    said = f" {_plain(answer)} "
    found: list[int] = []
    for number in sorted(range(len(options)), key=lambda n: -len(_plain(options[n]))):
        words = _plain(options[number])
        if words and f" {words} " in said:
            found.append(number)
            said = said.replace(f" {words} ", " | ")
    return found[0] if len(found) == 1 else None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
