"""What is put to the test: the product's memory, and the baselines in as many rows."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.baselines import (
    FifoWindow,
    OfflineKMeans,
    StreamingKMeans,
    UniformSampling,
)
from flashstream.evals.needle.stream import Haystack
from flashstream.evals.needle.visible import EventFilter
from flashstream.evals.summary import Summary, nearest_slots
from flashstream.memory_store.detail import POLICIES
from flashstream.memory_store.pooling import pool
from flashstream.memory_store.snapshot import MemorySnapshot, Part
from flashstream.memory_store.star import StarConfig, StarMemory

Frames = NDArray[np.float16]

_GONE = 0.25  # share of the event in a centroid, half of what shows it: it can only fall


@dataclass(frozen=True, slots=True)
class Shown:
    """What a question can be answered from.

    detail: the policy that chose `details`. slots: float[S, g, g, D], centroids or kept frames at
    the temporal grid. details: the numbers of the frames shown at the retrieved grid.
    covered: share of all frames in the slots that these stand for; None if there are no slots.
    """

    detail: str
    slots: NDArray[np.float32]
    details: tuple[int, ...]
    covered: float | None


class Subject(Protocol):
    """A way to remember, given all frames of a day in order.

    policies: the names of its detail policies.
    """

    policies: tuple[str, ...]

    def observe(self, frames: Frames) -> None:
        """The next frames, float16[N, G, G, D]."""
        ...

    def fork(self) -> "Subject":
        """A second one with the same past."""
        ...

    def lost(self, event: tuple[int, int], filtered: EventFilter, strength: float) -> bool:
        """Whether nothing that will ever be shown can show the event."""
        ...

    def shown(self, day: Frames) -> list[Shown]:
        """One for each detail policy; `day` is all that was observed."""
        ...


class StarSubject:
    """The product's memory; a frame's number is its time."""

    policies: tuple[str, ...] = tuple(POLICIES)

    def __init__(self, config: StarConfig, grid: int, channels: int) -> None:
        self._memory = StarMemory(config, grid, channels, stream="needle")

    def observe(self, frames: Frames) -> None:
        for frame in frames:
            self._memory.observe(frame, float(self._memory.version), b"")

    def fork(self) -> "StarSubject":
        other = StarSubject(self._memory.config, self._memory.grid, self._memory.channels)
        other._memory.restore(self._memory.state())
        return other

    def lost(self, event: tuple[int, int], filtered: EventFilter, strength: float) -> bool:
        begin, end = event
        heaviest = 2 * (end - begin)  # a slot of more frames is not half of the event
        for slot in self._memory.view().slots:
            cluster = slot.cluster
            if cluster.weight <= heaviest and cluster.first_s < end and cluster.last_s >= begin:
                return False
            if any(begin <= candidate.time_s < end for candidate in slot.candidates):
                return False
        return True

    def shown(self, day: Frames) -> list[Shown]:
        return [
            _shown_by_star(self._snapshot(name), name, self._memory.config) for name in POLICIES
        ]

    def _snapshot(self, detail: str) -> MemorySnapshot:
        memory = self._memory
        config = StarConfig.model_validate({**memory.config.model_dump(), "detail": detail})
        other = StarMemory(config, memory.grid, memory.channels, stream="needle")
        other.restore(memory.view())
        return other.snapshot()


class KMeansSubject:
    """STAR memory's parts with another clustering, as the papers have them.

    The frames shown in detail are those nearest to the heaviest centroids, in a bank of all.
    """

    policies: tuple[str, ...] = ("heaviest",)

    def __init__(self, summary: Summary, config: StarConfig) -> None:
        self._summary, self._config = summary, config
        self._seen = 0

    def observe(self, frames: Frames) -> None:
        for frame in frames:
            self._summary.add(_point(frame, self._config.temporal_grid), float(self._seen))
            self._seen += 1

    def fork(self) -> "KMeansSubject":
        return copy.deepcopy(self)

    def lost(self, event: tuple[int, int], filtered: EventFilter, strength: float) -> bool:
        if isinstance(self._summary, OfflineKMeans):
            return False  # it decides at the end
        return bool((filtered.shares(self._summary.centroids(), strength) < _GONE).all())

    def shown(self, day: Frames) -> list[Shown]:
        centroids, weights = self._summary.centroids(), self._summary.weights()
        heaviest = np.argsort(-weights, kind="stable")[: self._config.retrieved_slots]
        points = np.stack([_point(frame, self._config.temporal_grid) for frame in day])
        distances = ((points[:, np.newaxis] - centroids[heaviest]) ** 2).sum(axis=2)
        covered = np.isin(nearest_slots(points, centroids), heaviest).mean()
        side = self._config.temporal_grid
        return [
            Shown(
                "heaviest",
                centroids.reshape(len(centroids), side, side, -1).copy(),
                tuple(distances.argmin(axis=0).tolist()),
                float(covered),
            )
        ]


class SampleSubject:
    """Kept frames, as many as the rows hold: at the temporal grid, or at the retrieved grid.

    coarse, fine: the same rule for either number of frames.
    """

    policies: tuple[str, ...] = ("all",)

    def __init__(
        self,
        coarse: UniformSampling | FifoWindow,
        fine: UniformSampling | FifoWindow,
        config: StarConfig,
    ) -> None:
        self._coarse, self._fine, self._config = coarse, fine, config
        self._seen = 0
        self._nothing = np.zeros(1, np.float32)

    def observe(self, frames: Frames) -> None:
        for _ in frames:  # which frames are kept does not depend on what is in them
            self._coarse.add(self._nothing, float(self._seen))
            self._fine.add(self._nothing, float(self._seen))
            self._seen += 1

    def fork(self) -> "SampleSubject":
        return copy.deepcopy(self)

    def lost(self, event: tuple[int, int], filtered: EventFilter, strength: float) -> bool:
        return False

    def shown(self, day: Frames) -> list[Shown]:
        kept = [day[number - 1] for number in self._coarse.frames()]
        slots = np.stack([pool(f.astype(np.float32), self._config.temporal_grid) for f in kept])
        details = tuple(number - 1 for number in self._fine.frames())
        return [Shown("all", slots, details, None)]


def subject(name: str, config: StarConfig, hay: Haystack, seed: int) -> Subject:
    """ "star", or a baseline in as many rows as `config.tokens`; raises KeyError for another."""
    slots = config.temporal_slots
    coarse = config.tokens // config.temporal_grid**2
    fine = config.tokens // config.retrieved_grid**2
    made: dict[str, Callable[[], Subject]] = {
        "star": lambda: StarSubject(config, hay.grid, hay.channels),
        "streaming_kmeans": lambda: KMeansSubject(StreamingKMeans(slots, seed), config),
        "streaming_kmeans_reset": lambda: KMeansSubject(
            StreamingKMeans(slots, seed, carry=False), config
        ),
        "offline_kmeans": lambda: KMeansSubject(OfflineKMeans(slots, seed, 1), config),
        "uniform": lambda: SampleSubject(
            UniformSampling(coarse, hay.frames), UniformSampling(fine, hay.frames), config
        ),
        "fifo": lambda: SampleSubject(FifoWindow(coarse), FifoWindow(fine), config),
    }
    return made[name]()


def _shown_by_star(snapshot: MemorySnapshot, detail: str, config: StarConfig) -> Shown:
    side = config.temporal_grid
    temporal = snapshot.features[snapshot.parts == Part.TEMPORAL]
    chosen = snapshot.parts == Part.RETRIEVED
    step = config.retrieved_grid**2
    times, groups = snapshot.times[chosen][::step], snapshot.groups[chosen][::step]
    weights = dict(zip(snapshot.slots.ids.tolist(), snapshot.slots.weights.tolist(), strict=True))
    return Shown(
        detail,
        temporal.astype(np.float32).reshape(-1, side, side, temporal.shape[1]),
        tuple(int(time) for time in times),
        sum(weights[group] for group in groups.tolist()) / snapshot.frames_seen,
    )


def _point(frame: Frames, grid: int) -> NDArray[np.float32]:
    return pool(frame.astype(np.float32), grid).reshape(-1)
