"""Times, lengths and numbers in words, both ways."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

_COUNTING: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_WORDS: Final = tuple(_COUNTING.split())
_NUMBERS: Final = {word: number for number, word in enumerate(_WORDS)} | {
    "no": 0,
    "none": 0,
    "never": 0,
    "a": 1,
    "an": 1,
    "once": 1,
    "twice": 2,
    "thrice": 3,
}
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER: Final = r"\d+(?:\.\d+)?|" + "|".join(sorted(_NUMBERS, key=len, reverse=True))
_SPAN: Final = re.compile(
    rf"(?P<half>\bhalf\s+an?\s+|\b(?P<number>{_NUMBER})\s*-?\s*)"
    r"(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)\b",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(r"\b(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?\b")
_JUST_NUMBER: Final = re.compile(rf"\b(?:{_NUMBER})\b", re.IGNORECASE)


def say_span(seconds: float) -> str:
    """ "40 seconds", "7 minutes", "1 hour 30 minutes": within 3 % of what is meant."""
    size = 1 if seconds < 90 else 60 if seconds < 5400 else 3600
    whole = round(seconds / size)
    if size == 1 or abs(whole * size - seconds) <= 0.03 * seconds:
        return _quantity(whole, size)
    smaller = size // 60
    first, rest = divmod(round(seconds / smaller), 60)
    return " ".join(_quantity(n, s) for n, s in ((first, size), (rest, smaller)) if n)


def read_span(text: str) -> float | None:
    """Seconds: all the parts of a length of time added ("2 minutes and 30 seconds")."""
    parts = [_part(match) for match in _SPAN.finditer(text)]
    return sum(parts) if parts else None


def read_age(text: str, asked_at: datetime) -> float | None:
    """How long ago a text says that something was, in seconds before `asked_at`.

    "7 minutes ago", "at 14:03:10" (the last such time), "now"; a bare length is taken as ago.
    """
    clock = _CLOCK.search(text)
    if clock:
        hour, minute, second = (int(clock[part] or 0) for part in ("hour", "minute", "second"))
        if hour > 23 or minute > 59 or second > 59:
            return None
        slack = timedelta(0)
        if clock["second"] is None:
            second, slack = 30, timedelta(seconds=30)  # the middle of the minute that is named
        at = asked_at.replace(hour=hour, minute=minute, second=second, microsecond=0)
        if at - asked_at > slack:
            at -= timedelta(days=1)
        return max(0.0, (asked_at - at).total_seconds())
    span = read_span(text)
    if span is None and re.search(r"\b(?:right now|just now|now)\b", text, re.IGNORECASE):
        return 0.0
    return span


def read_number(text: str) -> int | None:
    """The first number of a text, in digits or in words ("twice", "never")."""
    match = _JUST_NUMBER.search(text)
    if match is None:
        return None
    word = match.group().lower()
    return _NUMBERS[word] if word in _NUMBERS else round(float(word))


def say_number(number: int) -> str:
    """In words up to twenty."""
    return _WORDS[number] if number < len(_WORDS) else str(number)


def say_times(number: int) -> str:
    """ "never", "once", "twice", "three times"."""
    return ("never", "once", "twice")[number] if number < 3 else f"{say_number(number)} times"


def say_list(things: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(things[:-1]), things[-1]] if things[1:] else things)


def say_clock(start: datetime, time_s: float) -> str:
    """The wall time of a moment, "14:03:10" (UTC)."""
    return (start + timedelta(seconds=time_s)).astimezone(UTC).strftime("%H:%M:%S")


def rounded(seconds: float, rng: np.random.Generator) -> float:
    """A length that people would name, near to one given: some share off it, and round."""
    seconds *= float(rng.uniform(0.9, 1.1))
    for step in (5, 10, 30, 60, 300, 600, 1800, 3600):
        if seconds < 20 * step:
            return max(step, step * round(seconds / step))
    return float(3600 * round(seconds / 3600))


def _quantity(number: int, size: int) -> str:
    unit = {1: "second", 60: "minute", 3600: "hour"}[size]
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _part(match: re.Match[str]) -> float:
    unit = _UNITS[match["unit"][0].lower()]
    if match["number"] is None:
        return 0.5 * unit
    word = match["number"].lower()
    return unit * (_NUMBERS[word] if word in _NUMBERS else float(word))
