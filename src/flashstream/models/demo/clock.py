"""Times in a question, resolved to the time mark of what memory holds of that moment.

The language model reads its memory as entries that begin with a mark ("037s" for 37 seconds ago).
So that it need not calculate, a question's own words are followed by the mark of the temporal slot
that covers that moment, or is nearest: "What was there 40 seconds ago?" becomes
"What was there 40 seconds ago (037s)?". Moments before the stream was added get "(not seen)". Of a
stretch of time the marks of the first and last slot that began in it are given: "in the last hour
(since 058m)", "between 20 and 5 minutes ago (from 019m to 007m)".

Clock times without a zone ("at 14:03") are UTC, and mean the latest such time before `as_of`;
"ago" counts from `as_of`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from flashstream.memory_store.snapshot import Slots
from flashstream.models.demo.pack import mark_text, slot_marks, slot_order

NOT_SEEN = "not seen"
NOTHING_NEW = "nothing new"
TOLERANCE_S = 2.0
"""A moment this much before the first frame still means the first frame."""

_COUNTING = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = (
    {word: number for number, word in enumerate(_COUNTING.split())}
    | {
        f"{tens}{joint}{unit}": 10 * (2 + i) + j
        for i, tens in enumerate(_TENS.split())
        for j, unit in enumerate(["", *_COUNTING.split()[1:10]])
        for joint in (("-", " ") if unit else ("",))
    }
    | {"a": 1, "an": 1}
)
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

# Words stand apart from their units: "and" is not a day.
_IN_WORDS = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER = rf"(?:\d+(?:\.\d+)?|(?:{_IN_WORDS})(?=[\s-]))"
_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)"
_AGO = re.compile(
    rf"\b(?:(?P<half>half\s+an?)\s+|(?P<number>{_NUMBER})\s*-?\s*)(?P<unit>{_UNIT})"
    rf"(?:\s+(?:and\s+)?(?:(?P<and_half>a\s+half)|(?P<number2>{_NUMBER})\s*(?P<unit2>{_UNIT})))?\s+ago\b",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?", re.I
)
_CLOCK = re.compile(
    r"(?:\b(?P<day>yesterday|today)\s+)?\b(?:at|around|about)\s+(?P<hour>\d{1,2})"
    r"(?::(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?(?:\s*(?P<half>[ap]\.?m\b\.?))?"
    r"(?:\s*UTC\b)?(?:\s+(?P<day2>yesterday|today)\b)?(?!\s*[:\d])",
    re.IGNORECASE,
)


_LENGTH = rf"(?:half\s+an?\s+|(?:{_NUMBER})\s*-?\s*){_UNIT}"
_LENGTHS = rf"{_LENGTH}(?:\s+(?:and\s+)?{_LENGTH})?"
_LAST = re.compile(rf"\b(?:last|past)\s+(?P<since>{_LENGTHS}|{_UNIT})\b", re.IGNORECASE)
_BETWEEN = re.compile(
    rf"\b(?:between|from)\s+(?:(?P<early>{_LENGTHS})(?:\s+ago)?|(?P<bare>{_NUMBER}))\s+(?:and|to)\s+"
    rf"(?P<late>{_LENGTHS})\s+ago\b",
    re.IGNORECASE,
)
_TIME = r"\d{1,2}:\d{2}(?::\d{2})?"
_BETWEEN_CLOCK = re.compile(
    rf"\b(?:between|from)\s+(?P<early>{_TIME})\s+(?:and|to|until)\s+(?P<late>{_TIME})\b",
    re.IGNORECASE,
)
_PIECE = re.compile(
    rf"\b(?:(?P<half>half\s+an?)\s+|(?P<number>{_NUMBER})\s*-?\s*)?(?P<unit>{_UNIT})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that a question speaks of: where its words begin and end, and its ends in
    Unix seconds."""

    begin: int
    end: int
    start_s: float
    stop_s: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that a question speaks of: where its words end, and Unix seconds."""

    end: int
    time_s: float


def moments(question: str, as_of: float) -> list[Moment]:
    """The times in a question, in the order of their words; an impossible one is left out."""
    taken: list[tuple[int, int]] = []
    found: list[Moment] = []
    for start, end, time_s in _candidates(question, as_of):
        if all(end <= a or start >= b for a, b in taken):
            taken.append((start, end))
            found.append(Moment(end, time_s))
    return sorted(found, key=lambda moment: moment.end)


def slot_at(slots: Slots, time_s: float) -> int | None:
    """Row of the slot that covers a moment, or is nearest to it; None before the first frame.

    Of several that cover it the shortest is meant: a slot may also hold the same sight at other
    times, before and after.
    """
    if not len(slots.ids) or time_s < float(slots.first_s.min()) - TOLERANCE_S:
        return None
    gap = np.maximum(np.maximum(slots.first_s - time_s, time_s - slots.last_s), 0.0)
    order = np.lexsort((np.abs(slots.mean_s - time_s), slots.last_s - slots.first_s, gap))
    return int(order[0])


def spans(question: str, as_of: float) -> list[Span]:
    """The stretches of time in a question, in the order of their words."""
    found: list[Span] = []
    for match in _LAST.finditer(question):
        found.append(Span(match.start(), match.end(), as_of - _length(match["since"]), as_of))
    for match in _BETWEEN.finditer(question):
        early, late = match["early"], match["late"]
        if early is None:  # "20 and 5 minutes ago"
            early = f"{match['bare']} {next(_PIECE.finditer(late))['unit']}"
        start, stop = sorted(as_of - _length(words) for words in (early, late))
        found.append(Span(match.start(), match.end(), start, stop))
    for match in _BETWEEN_CLOCK.finditer(question):
        since, until = (_clock_time(match[name], as_of) for name in ("early", "late"))
        if since is not None and until is not None:
            # The latest such end before the start: this one is yet to come.
            until = as_of if until < since else until
            found.append(Span(match.start(), match.end(), since, until))
    return sorted(found, key=lambda span: span.end)


def slots_in(slots: Slots, span: Span) -> list[int]:
    """Rows of the slots that begin within a stretch of time, oldest first."""
    since, until = span.start_s - TOLERANCE_S, span.stop_s + TOLERANCE_S
    return [int(row) for row in slot_order(slots) if since <= slots.first_s[row] <= until]


def annotate(question: str, slots: Slots, as_of: float) -> str:
    """The question with the mark of each time it speaks of beside its words, and the first and
    last mark of each stretch of time."""
    marks = slot_marks(slots, as_of)
    stretches = spans(question, as_of)
    notes: list[tuple[int, str]] = []
    for span in stretches:
        rows = slots_in(slots, span)
        words = [mark_text(*marks[row]) for row in rows[:: max(1, len(rows) - 1)]]
        if not words:
            notes.append((span.end, NOTHING_NEW))
        elif span.stop_s >= as_of:
            notes.append((span.end, f"since {words[0]}"))
        else:
            notes.append((span.end, f"from {words[0]} to {words[-1]}"))
    for moment in moments(question, as_of):
        if any(span.begin < moment.end <= span.end for span in stretches):
            continue
        row = slot_at(slots, moment.time_s)
        notes.append((moment.end, NOT_SEEN if row is None else mark_text(*marks[row])))
    out, last = [], 0
    for end, note in sorted(notes):
        out += [question[last:end], f" ({note})"]
        last = end
    return "".join([*out, question[last:]])


def _candidates(question: str, as_of: float) -> Iterator[tuple[int, int, float]]:
    for match in _ISO.finditer(question):
        at = _iso(match.group().strip())
        if at is not None:
            yield match.start(), match.start() + len(match.group().rstrip()), at
    for match in _AGO.finditer(question):
        yield match.start(), match.end(), as_of - _span(match)
    for match in _CLOCK.finditer(question):
        at = _clock(match, as_of)
        if at is not None:
            yield match.start(), match.end() - _trailing(match.group()), at


def _trailing(text: str) -> int:
    return len(text) - len(text.rstrip())


def _iso(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text.upper().replace(" Z", "Z").replace(" +", "+"))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _length(words: str) -> float:
    """Seconds of "1 hour 30 minutes", "half an hour", "minute"."""
    total = 0.0
    for piece in _PIECE.finditer(words):
        unit = _UNIT_S[piece["unit"][0].lower()]
        total += unit * (0.5 if piece["half"] else _number(piece["number"] or "1"))
    return total


def _clock_time(words: str, as_of: float) -> float | None:
    match = _CLOCK.search(f"at {words}")
    return None if match is None else _clock(match, as_of)


def _span(match: re.Match[str]) -> float:
    unit = _UNIT_S[match["unit"][0].lower()]
    number = 0.5 if match["half"] else _number(match["number"])
    if match["and_half"]:
        number += 0.5
    rest = _number(match["number2"]) * _UNIT_S[match["unit2"][0].lower()] if match["unit2"] else 0.0
    return number * unit + rest


def _number(text: str) -> float:
    word = text.lower()
    return float(_WORDS[word]) if word in _WORDS else float(word)


def _clock(match: re.Match[str], as_of: float) -> float | None:
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0)
    half = (match["half"] or "").lower()[:1]
    if match["minute"] is None and not half:
        return None
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    now = datetime.fromtimestamp(as_of, UTC)
    at = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    day = (match["day"] or match["day2"] or "").lower()
    if day == "yesterday" or (not day and at > now):
        at -= timedelta(days=1)
    return at.timestamp()
