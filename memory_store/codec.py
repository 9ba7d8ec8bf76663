"""A memory's state as named records, so that a store writes only those that changed.

| record          | holds                                                      | is written if    |
| --------------- | ---------------------------------------------------------- | ---------------- |
| `meta`          | the header: version, times, fingerprint, sizes, slot order | a frame was seen |
| `slot:<id>`     | weight, times, which frames it remembers at what distance  | the slot changed |
| `centroid:<id>` | a slot's centroid, if its frames' mean is not near enough  | it moved away    |
| `frame:<n>`     | a remembered frame: features, thumbnail, time              | it is new        |
| `abstract:<n>`  | an abstract row (STAR)                                     | it moved away    |
| `spatial`       | the newest frames (STAR), but for those remembered anyway  | a frame was seen |

What is large is near to what the memory has, not equal: features are within `FEATURE_ERROR`,
centroids and abstract rows within `LAG` of their norm, and the carries of the means are let go.
All else is exact: weights, times, versions, ids, lists of frames, thumbnails. The same records
always give the same memory. `encoding` writes them, `decoding` reads them.
"""

from typing import Final

from flashstream.memory_store.delta import MemoryDelta
from flashstream.memory_store.state import MemoryState

FEATURE_ERROR: Final = 0.02
"""Greatest error of a frame's features as a share of their norm; a camera's noise is 0.2."""
LAG: Final = 0.05
"""The same of a centroid or an abstract row that the store has, however long it lags behind."""
MEAN_ERROR: Final = 0.03
"""The same of one that was just written: the rest of `LAG` is left for it to move."""

META, SPATIAL = "meta", "spatial"


def slot_name(slot: int) -> str:
    return f"slot:{slot}"


def centroid_name(slot: int) -> str:
    return f"centroid:{slot}"


def frame_name(frame: int) -> str:
    return f"frame:{frame}"


def abstract_name(row: int) -> str:
    return f"abstract:{row}"


def changed(delta: MemoryDelta) -> set[str]:
    """Names of the records that a change makes or alters; a slot's stands for its centroid's."""
    names = {META} | {slot_name(s) for s in delta.slots} | {frame_name(f) for f in delta.frames}
    names |= {abstract_name(row) for row in delta.abstract}
    if delta.spatial:
        names.add(SPATIAL)
    return names


def removed(delta: MemoryDelta) -> set[str]:
    """Names of the records that a change makes void; a slot's stands for its centroid's."""
    slots = {slot_name(slot) for slot in delta.slots_removed}
    return slots | {frame_name(frame) for frame in delta.frames_removed}


def names(state: MemoryState) -> set[str]:
    """Names of all records of a state but the centroids', which slots' stand for."""
    found = {META} | {abstract_name(row) for row in range(len(state.abstract))}
    if state.header.kind == "star":
        found.add(SPATIAL)
    for slot in state.slots:
        found.add(slot_name(slot.cluster.id))
        found.update(frame_name(kept.frame) for kept in slot.candidates)
    return found
