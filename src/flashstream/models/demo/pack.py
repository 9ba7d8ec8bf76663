"""A snapshot as the demo projector takes it, and how many LLM tokens it becomes.

Entries go from what is vaguest to what is newest: abstract rows, retrieved frames, temporal slots
by their first frames, the newest frame. `meta` has one row an entry:
(part, feature rows, time value, time unit); see `slot_marks`.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import MemoryShapeError
from flashstream.memory_store.snapshot import MemorySnapshot, Part, Slots
from flashstream.models.family import MemoryItem

UNITS = ("s", "m", "h", "d")
NOW = len(UNITS)
"""The unit of entries that are marked as now."""

DIGITS = 3
MAX_VALUE = 10**DIGITS - 1
MARK_TOKENS = DIGITS + 3
LABEL_TOKENS = 4
QUADRANTS = 4
COLUMNS = 4

_ORDER = (Part.ABSTRACT, Part.RETRIEVED, Part.TEMPORAL, Part.SPATIAL)
_SECONDS = (1.0, 60.0, 3600.0, 86400.0)


def time_mark(age_s: float) -> tuple[int, int]:
    """(value 0…999, unit) of an age: seconds below 1000 s, then minutes, hours, days, rounded."""
    for unit, seconds in enumerate(_SECONDS):
        value = int(max(age_s, 0.0) / seconds + 0.5)
        if value <= MAX_VALUE:
            return value, unit
    return MAX_VALUE, len(_SECONDS) - 1


def slot_marks(slots: Slots, as_of: float) -> list[tuple[int, int]]:
    """The mark of each temporal slot's mean age, in the table's order, no two the same.

    Of slots with equal marks the newer keeps it and the other takes the nearest free value, so
    that a mark in a question means one slot.
    """
    marks: dict[int, tuple[int, int]] = {}
    taken: set[tuple[int, int]] = set()
    for row in np.argsort(-slots.mean_s, kind="stable").tolist():
        value, unit = time_mark(as_of - float(slots.mean_s[row]))
        marks[row] = next(mark for mark in _nearest(value, unit) if mark not in taken)
        taken.add(marks[row])
    return [marks[row] for row in range(len(slots.ids))]


def _nearest(value: int, unit: int) -> Iterator[tuple[int, int]]:
    """A mark, then those of its unit ever farther from it, older before newer."""
    for distance in range(MAX_VALUE + 1):
        for other in dict.fromkeys((value + distance, value - distance)):
            if 0 <= other <= MAX_VALUE:
                yield other, unit


def mark_text(value: int, unit: int) -> str:
    """How a time mark is written beside a question's words: "007s", "042m"."""
    return f"{value:0{DIGITS}d}{UNITS[unit]}"


def entry_tokens(part: int) -> int:
    """LLM tokens of one entry of a part."""
    if part == Part.ABSTRACT:
        return 1
    if part == Part.TEMPORAL:
        return MARK_TOKENS + LABEL_TOKENS
    return MARK_TOKENS + LABEL_TOKENS + QUADRANTS * LABEL_TOKENS


def token_count(meta: NDArray[np.int64]) -> int:
    """LLM tokens that the projector makes of a memory, from `meta` alone."""
    return sum(entry_tokens(int(part)) for part in meta[:, 0])


def pack(snapshot: MemorySnapshot) -> MemoryItem:
    """Order a snapshot's entries and mark their times; raises `MemoryShapeError`."""
    marks = dict(
        zip(snapshot.slots.ids.tolist(), slot_marks(snapshot.slots, snapshot.as_of), strict=True)
    )
    since = dict(zip(snapshot.slots.ids.tolist(), snapshot.slots.first_s.tolist(), strict=True))
    rows: list[NDArray[np.intp]] = []
    meta: list[tuple[int, int, int, int]] = []
    for part in _ORDER:
        found = np.flatnonzero(snapshot.parts == part)
        groups = snapshot.groups[found]
        names: list[int] = list(dict.fromkeys(groups.tolist()))
        timed = part in (Part.TEMPORAL, Part.RETRIEVED)
        if timed:
            names.sort(key=lambda name: (since[name], name))
        elif part == Part.SPATIAL:
            names.reverse()
        for name in names:
            entry = found[groups == name]
            if part != Part.ABSTRACT and len(entry) != QUADRANTS:
                raise MemoryShapeError(
                    f"the demo model takes 2×2 features an entry of the {part.name.lower()} part, "
                    f"not {len(entry)} rows"
                )
            rows.append(entry)
            meta.append((int(part), len(entry), *(marks[name] if timed else (0, NOW))))
    table = np.array(meta, np.int64).reshape(-1, COLUMNS)
    order = np.concatenate(rows) if rows else np.zeros(0, np.intp)
    return MemoryItem(snapshot.features[order], table, token_count(table))
