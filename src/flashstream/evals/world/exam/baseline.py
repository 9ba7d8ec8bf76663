"""What all baselines share: every part of STAR memory but the temporal slots and their details."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.exam.watch import Seen
from flashstream.memory_store.candidates import Candidate, picture_id
from flashstream.memory_store.publish import publish_star
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.memory_store.state import SlotState
from flashstream.memory_store.ward import ClusterState
from flashstream.models.family import ModelFamily
from flashstream.models.memory import empty_memory


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame as it may be shown: its number from 0, Unix time, and float16[g, g, D] at the
    temporal grid (coarse) and the retrieved grid (fine)."""

    number: int
    time_s: float
    coarse: NDArray[np.float16]
    fine: NDArray[np.float16]

    @classmethod
    def of(cls, number: int, seen: Seen, config: StarConfig) -> "Kept":
        pooled = seen.pooled
        coarse, fine = pooled.kept(config.temporal_grid), pooled.kept(config.retrieved_grid)
        return cls(number, seen.time_s, coarse, fine)

    def candidate(self) -> Candidate:
        """As the frame that a slot is shown in detail by."""
        return Candidate(
            frame=self.number + 1,
            time_s=self.time_s,
            distance=0.0,
            features=self.fine,
            point=self.coarse.reshape(-1),
            thumbnail=b"",
            picture=picture_id(b""),
        )

    def slot(self) -> SlotState:
        """As a slot of this one frame."""
        at = self.time_s
        return slot(self.number, 1, (at, at, at), self.coarse.reshape(-1), (self.candidate(),))


def slot(
    name: int,
    weight: int,
    times: tuple[float, float, float],
    centroid: NDArray[np.floating],
    candidates: tuple[Candidate, ...],
) -> SlotState:
    """A slot named `name`; times: of its first frame, their mean, of its last."""
    point = centroid.astype(np.float32)
    carry = np.zeros(point.shape, np.int16)
    return SlotState(ClusterState(name, weight, *times, point, carry), candidates)


class Baseline(ABC):
    """A `Policy` with temporal slots of its own.

    The abstract rows and the newest frames are those of a STAR memory, which sees every frame and
    whose own temporal part is not used; the snapshot is published as any STAR memory's.
    """

    def __init__(self, family: ModelFamily, stream: str) -> None:
        self.config = family.memory
        self._rest = _without_slots(family, stream)

    @property
    def frames(self) -> int:
        """How many were observed."""
        return self._rest.version

    def observe(self, seen: Seen) -> None:
        """See `Policy`."""
        self._take(self.frames, seen)
        self._rest.observe(seen.features, seen.time_s, b"")

    def snapshot(self) -> MemorySnapshot:
        """See `Policy`."""
        slots, detailed = self._shown()
        state = replace(self._rest.view(), slots=tuple(slots))
        return publish_star(state, self._rest.snapshot().as_of, detailed)

    @abstractmethod
    def _take(self, number: int, seen: Seen) -> None:
        """The next frame, of that number from 0."""

    @abstractmethod
    def _shown(self) -> tuple[Sequence[SlotState], Sequence[int]]:
        """The slots, and the rows of those that are shown in detail, in that order."""


def _without_slots(family: ModelFamily, stream: str) -> StarMemory:
    """The family's memory with next to nothing in its temporal part."""
    least = {"temporal_slots": 1, "temporal_grid": 1, "retrieved_slots": 0, "retrieved_grid": 1}
    config = StarConfig.model_validate({**family.memory.model_dump(), **least, "candidates": 1})
    return empty_memory(family, stream, config=config)
