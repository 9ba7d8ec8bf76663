"""A snapshot as the demo projector takes it, and how many LLM tokens it becomes.

Entries go from what is vaguest to what is newest: abstract rows, retrieved frames, temporal slots
in the order of their mean times, the newest frame. `meta` has one row an entry:
(part, feature rows, time value, time unit); see `time_mark`.
"""

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import MemoryShapeError
from flashstream.memory_store.snapshot import MemorySnapshot, Part
from flashstream.models.family import MemoryItem

UNITS = ("s", "m", "h", "d", "now")
NOW = UNITS.index("now")
MARK_TOKENS = 5
LABEL_TOKENS = 4
QUADRANTS = 4
COLUMNS = 4

_ORDER = (Part.ABSTRACT, Part.RETRIEVED, Part.TEMPORAL, Part.SPATIAL)
_SECONDS = (1.0, 60.0, 3600.0, 86400.0)


def time_mark(age_s: float) -> tuple[int, int]:
    """(value 0…99, unit) of an age: seconds below 100 s, then minutes, hours and days, rounded."""
    for unit, seconds in enumerate(_SECONDS):
        value = int(max(age_s, 0.0) / seconds + 0.5)
        if value <= 99:
            return value, unit
    return 99, len(_SECONDS) - 1


def mark_text(value: int, unit: int) -> str:
    """How a time mark is written beside a question's words: "07s", "42m", "now"."""
    return UNITS[unit] if unit == NOW else f"{value:02d}{UNITS[unit]}"


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
    """Order a snapshot's entries and mark their times; raises `MemoryShapeError`.

    Ages are whole marks relative to `as_of`, so a memory's item changes only as often as they do.
    """
    rows: list[NDArray[np.intp]] = []
    meta: list[tuple[int, int, int, int]] = []
    for part in _ORDER:
        found = np.flatnonzero(snapshot.parts == part)
        for entry in _entries(found, snapshot, part):
            if part != Part.ABSTRACT and len(entry) != QUADRANTS:
                raise MemoryShapeError(
                    f"the demo model takes 2×2 features an entry of the {part.name.lower()} part, "
                    f"not {len(entry)} rows"
                )
            value, unit = (
                (0, NOW)
                if part in (Part.SPATIAL, Part.ABSTRACT)
                else time_mark(snapshot.as_of - float(snapshot.times[entry[0]]))
            )
            rows.append(entry)
            meta.append((int(part), len(entry), value, unit))
    table = np.array(meta, np.int64).reshape(-1, COLUMNS)
    order = np.concatenate(rows) if rows else np.zeros(0, np.intp)
    return MemoryItem(snapshot.features[order], table, token_count(table))


def _entries(
    found: NDArray[np.intp], snapshot: MemorySnapshot, part: Part
) -> list[NDArray[np.intp]]:
    """Row numbers of each entry of a part, oldest first (abstract rows keep their order)."""
    groups = snapshot.groups[found]
    entries = [found[groups == group] for group in dict.fromkeys(groups.tolist())]
    if part == Part.ABSTRACT:
        return entries
    return sorted(entries, key=lambda entry: (float(snapshot.times[entry[0]]), int(entry[0])))
