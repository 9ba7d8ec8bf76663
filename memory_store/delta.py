"""What changed in a memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryDelta:
    """The parts of a memory that differ from an earlier version; all else is as it was.

    version: the version after the change.
    slots: ids of temporal slots that are new or changed; slots_removed: ids that are gone.
    frames: numbers of the remembered frames that were taken in; frames_removed: let go.
    abstract, spatial: those parts changed. The header (version, times, order) always does.
    """

    version: int
    slots: frozenset[int] = frozenset()
    slots_removed: frozenset[int] = frozenset()
    frames: frozenset[int] = frozenset()
    frames_removed: frozenset[int] = frozenset()
    abstract: bool = False
    spatial: bool = False

    def then(self, later: "MemoryDelta") -> "MemoryDelta":
        """Both changes as one. Ids and frame numbers are never used twice, so removal is final."""
        slots_removed = self.slots_removed | later.slots_removed
        frames_removed = self.frames_removed | later.frames_removed
        return MemoryDelta(
            version=later.version,
            slots=(self.slots | later.slots) - slots_removed,
            slots_removed=slots_removed,
            frames=(self.frames | later.frames) - frames_removed,
            frames_removed=frames_removed,
            abstract=self.abstract or later.abstract,
            spatial=self.spatial or later.spatial,
        )
