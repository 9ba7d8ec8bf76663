"""What one frame changed in a memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryDelta:
    """The parts of a memory that differ from the version before; all else is as it was.

    version: the version after the change.
    slots: ids of temporal slots that are new or changed, two at most; slots_removed: that are gone.
    frames: numbers of the remembered frames that were taken in; frames_removed: let go.
    abstract: numbers of the abstract rows that changed; spatial: the newest frames did. The header
    (version, times, order) always does.

    Neither an id nor a frame's number is ever used again.
    """

    version: int
    slots: frozenset[int]
    slots_removed: frozenset[int]
    frames: frozenset[int]
    frames_removed: frozenset[int]
    abstract: frozenset[int] = frozenset()
    spatial: bool = False
