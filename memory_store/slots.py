"""The temporal slots: consolidated clusters, and the few frames remembered of each."""

from collections.abc import Sequence

from flashstream.memory_store.candidates import Candidate, Newcomer, nearest
from flashstream.memory_store.delta import MemoryDelta
from flashstream.memory_store.detail import POLICIES, DetailName
from flashstream.memory_store.state import SlotState
from flashstream.memory_store.ward import WardClusters
from flashstream.memory_store.weighing import Weighing


class TemporalSlots:
    """Up to `slots` clusters of `patches` × `channels`, each with its nearest remembered frames.

    candidates: frames kept for each slot.
    """

    def __init__(
        self,
        slots: int,
        patches: int,
        channels: int,
        *,
        candidates: int,
        weighing: Weighing,
    ) -> None:
        self._clusters = WardClusters(slots, patches, channels, weighing)
        self._limit = candidates
        self._candidates: list[tuple[Candidate, ...]] = []  # by row

    @property
    def next_id(self) -> int:
        """The id that the next new slot will have."""
        return self._clusters.next_id

    def observe(self, newcomer: Newcomer, time_s: float) -> MemoryDelta:
        """Add a frame and choose the remembered frames of the slots it touched."""
        clusters = self._clusters
        step = clusters.add(newcomer.point, time_s)
        before: set[int] = set()
        after: set[int] = set()

        def choose(row: int, old: tuple[Candidate, ...], new: Newcomer | None) -> None:
            chosen = nearest(old, new, lambda points: clusters.distances(points, row), self._limit)
            self._candidates[row] = chosen
            before.update(c.frame for c in old)
            after.update(c.frame for c in chosen)

        if step.merged is None:
            self._candidates.append(())
            choose(step.home, (), newcomer)
        elif step.merged == step.home:
            choose(step.home, self._candidates[step.home], newcomer)
        else:
            union = self._candidates[step.merged] + self._candidates[step.home]
            choose(step.merged, union, None)
            choose(step.home, (), newcomer)
        touched = {step.home} if step.merged is None else {step.home, step.merged}
        return MemoryDelta(
            version=newcomer.frame,
            slots=frozenset(int(clusters.ids[row]) for row in touched),
            slots_removed=frozenset() if step.removed is None else frozenset({step.removed}),
            frames=frozenset(after - before),
            frames_removed=frozenset(before - after),
        )

    def detailed(self, policy: DetailName, count: int) -> list[int]:
        """Rows of the `count` slots that the policy shows in detail, the most deserving first."""
        clusters = self._clusters
        weights = clusters.weights[: clusters.used]
        return POLICIES[policy](weights, clusters.squared_distances)[:count]

    def picture(self, picture: str) -> bytes | None:
        """The JPEG of that id, if a slot still remembers it."""
        for candidates in self._candidates:
            for candidate in candidates:
                if candidate.picture == picture:
                    return candidate.thumbnail
        return None

    def view(self) -> tuple[SlotState, ...]:
        """The slots in row order; their centroids are views, valid until the next frame."""
        return tuple(
            SlotState(self._clusters.state(row), candidates)
            for row, candidates in enumerate(self._candidates)
        )

    def restore(self, slots: Sequence[SlotState], next_id: int) -> None:
        """Become the slots given, in row order."""
        self._clusters.restore([slot.cluster for slot in slots], next_id)
        self._candidates = [slot.candidates[: self._limit] for slot in slots]

    def nbytes(self) -> int:
        """Bytes of clusters and remembered frames."""
        return self._clusters.nbytes() + sum(
            candidate.nbytes() for candidates in self._candidates for candidate in candidates
        )

    def budget(self, detail_bytes: int, thumbnail_bytes: int) -> int:
        """Bytes never exceeded, if a remembered frame's detail and thumbnail have so many."""
        clusters = self._clusters
        point_bytes = 2 * clusters.patches * clusters.channels
        frames = clusters.slots * self._limit
        return clusters.nbytes() + frames * (point_bytes + detail_bytes + thumbnail_bytes)
