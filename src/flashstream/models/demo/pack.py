"""A snapshot as the demo projector takes it, and how many LLM tokens it becomes.

Entries go from what is vaguest to what is newest: abstract rows, temporal slots by their first
frames, the newest frame. A slot that is shown in detail has the rows of its frame beside those of
its centroid: two views of one entry. `meta` has one row an entry:
(part, feature rows, time value, time unit, frames); see `slot_marks`.
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
GRID = 4
CELLS = GRID * GRID
COLUMNS = 5

_SECONDS = (1.0, 60.0, 3600.0, 86400.0)


def time_mark(age_s: float) -> tuple[int, int]:
    """(value 0…999, unit) of an age: seconds below 1000 s, then minutes, hours, days, rounded."""
    for unit, seconds in enumerate(_SECONDS):
        value = int(max(age_s, 0.0) / seconds + 0.5)
        if value <= MAX_VALUE:
            return value, unit
    return MAX_VALUE, len(_SECONDS) - 1


def slot_marks(slots: Slots, as_of: float) -> list[tuple[int, int]]:
    """The mark of the age of each slot's first frame, in the table's order, no two the same.

    Of slots with equal marks the newer keeps it and the other takes the nearest free value, so
    that a mark in a question means one slot.
    """
    marks: dict[int, tuple[int, int]] = {}
    taken: set[tuple[int, int]] = set()
    for row in np.argsort(-slots.first_s, kind="stable").tolist():
        value, unit = time_mark(as_of - float(slots.first_s[row]))
        marks[row] = next(mark for mark in _nearest(value, unit) if mark not in taken)
        taken.add(marks[row])
    return [marks[row] for row in range(len(slots.ids))]


def _nearest(value: int, unit: int) -> Iterator[tuple[int, int]]:
    """A mark, then those of its unit ever farther from it, older before newer."""
    for distance in range(MAX_VALUE + 1):
        for other in dict.fromkeys((value + distance, value - distance)):
            if 0 <= other <= MAX_VALUE:
                yield other, unit


def slot_order(slots: Slots) -> NDArray[np.intp]:
    """Rows of the slots' table as they are shown: by their first frames."""
    order: NDArray[np.intp] = np.lexsort((slots.ids, slots.first_s))
    return order


def mark_text(value: int, unit: int) -> str:
    """How a time mark is written beside a question's words: "007s", "042m"."""
    return f"{value:0{DIGITS}d}{UNITS[unit]}"


def entry_tokens(part: int) -> int:
    """LLM tokens of one entry of a part."""
    return 1 if part == Part.ABSTRACT else MARK_TOKENS + LABEL_TOKENS


def token_count(meta: NDArray[np.int64]) -> int:
    """LLM tokens that the projector makes of a memory, from `meta` alone."""
    return sum(entry_tokens(int(part)) for part in meta[:, 0])


def pack(snapshot: MemorySnapshot) -> MemoryItem:
    """Order a snapshot's entries and mark their times; raises `MemoryShapeError`."""
    slots = snapshot.slots
    marks = slot_marks(slots, snapshot.as_of)
    rows: list[NDArray[np.intp]] = []
    meta: list[tuple[int, int, int, int, int]] = []

    def add(part: Part, found: NDArray[np.intp], mark: tuple[int, int], frames: int) -> None:
        rows.append(found)
        meta.append((int(part), len(found), *mark, frames))

    for row in np.flatnonzero(snapshot.parts == Part.ABSTRACT):
        add(Part.ABSTRACT, np.array([row]), (0, NOW), 0)
    for slot in slot_order(slots).tolist():
        own = snapshot.groups == slots.ids[slot]
        views = [
            _cells(np.flatnonzero(own & (snapshot.parts == part)), part)
            for part in (Part.TEMPORAL, Part.RETRIEVED)
        ]
        add(Part.TEMPORAL, np.concatenate(views), marks[slot], int(slots.weights[slot]))
    frames = snapshot.groups[snapshot.parts == Part.SPATIAL]
    for age in sorted(set(frames.tolist()), reverse=True):
        found = np.flatnonzero((snapshot.parts == Part.SPATIAL) & (snapshot.groups == age))
        add(Part.SPATIAL, _cells(found, Part.SPATIAL), (0, NOW), 1)
    table = np.array(meta, np.int64).reshape(-1, COLUMNS)
    order = np.concatenate(rows) if rows else np.zeros(0, np.intp)
    return MemoryItem(snapshot.features[order], table, token_count(table))


def _cells(found: NDArray[np.intp], part: Part) -> NDArray[np.intp]:
    if len(found) not in (0, CELLS):
        raise MemoryShapeError(
            f"the demo model takes {GRID}×{GRID} features an entry of the {part.name.lower()} "
            f"part, not {len(found)} rows"
        )
    return found
