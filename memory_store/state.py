"""All of a memory that its future depends on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.candidates import Candidate
from flashstream.memory_store.ward import ClusterState


@dataclass(frozen=True, slots=True)
class StateHeader:
    """What a memory is of, and where it stands.

    kind: "star" or "flash". as_of: Unix time of the newest frame, None before the first.
    geometry: the sizes of parts, the encoder's grid and channels (see `StreamMemory.geometry`).
    order: ids of the temporal slots in row order, which settles ties.
    next_id: the id that the next new slot will have.
    """

    kind: str
    stream: str
    epoch: int
    version: int
    as_of: float | None
    fingerprint: str
    geometry: dict[str, int]
    order: tuple[int, ...]
    next_id: int


@dataclass(frozen=True, slots=True)
class SlotState:
    """One temporal slot: its cluster and its remembered frames, nearest to the centroid first."""

    cluster: ClusterState
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class SpatialFrame:
    """One of the newest frames: float16[s, s, D] at the spatial grid, and its Unix time."""

    time_s: float
    features: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class MemoryState:
    """A whole memory: slots in row order, abstract rows float32[A, D], newest frames first.

    A kind of memory without an abstract or a spatial part has no rows there.
    """

    header: StateHeader
    slots: tuple[SlotState, ...]
    abstract: NDArray[np.float32]
    spatial: tuple[SpatialFrame, ...]
