"""Exact streaming consolidation by the least Ward cost (docs/memory.md).

K clusters and one new frame are K+1 points; to keep K clusters exactly one pair has to merge, and
the pair that raises the weighted k-means objective least is the one of least Ward cost

    Δ(i, j) = w_i·w_j / (w_i + w_j) · ‖c_i − c_j‖².

`Weighing` may bend the cost.

What is known of the distances is kept, so a frame costs an arg-min, one weighted mean and the
distances that changed and matter: O(K·P·D), however long the stream has run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.distances import PairDistances
from flashstream.memory_store.means import Means
from flashstream.memory_store.weighing import PAPERS, Weighing


@dataclass(frozen=True, slots=True)
class Step:
    """What adding one frame did.

    home: row that the frame is in now.
    merged: row whose centroid became the mean of two points, or None (a free row was taken).
    removed: id of the slot that was merged into row `merged` and is gone, or None.
    pair: the two points that merged, lower first, where K stands for the frame; or None.
    """

    home: int
    merged: int | None
    removed: int | None
    pair: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class ClusterState:
    """One cluster, complete: equal states have equal futures, bit for bit.

    centroid: float32[P·D]; carry: int16[P·D], what rounding took from it (see `Means`).
    """

    id: int
    weight: int
    first_s: float
    mean_s: float
    last_s: float
    centroid: NDArray[np.float32]
    carry: NDArray[np.int16]


class WardClusters:
    """Up to K weighted clusters of vectors of P patches × D channels.

    Ties go to the lowest rows (the frame comes last). Of two slots that merge, the heavier one
    (the lower row, if equal) keeps its row and id; the other's row takes the frame under a new id.
    """

    def __init__(
        self, slots: int, patches: int, channels: int, weighing: Weighing = PAPERS
    ) -> None:
        self.slots, self.patches, self.channels = slots, patches, channels
        self._weighing = weighing
        width = patches * channels
        self.used = 0
        self.next_id = 0
        # Row K of each array is the new frame's place while it is weighed.
        self._means = Means(slots + 1, width)
        self.ids = np.zeros(slots, np.int32)
        self.weights = np.ones(slots + 1, np.int64)
        self.first_s = np.zeros(slots + 1, np.float64)
        self.mean_s = np.zeros(slots + 1, np.float64)
        self.last_s = np.zeros(slots + 1, np.float64)
        self._distances = PairDistances(self._means.values, patches, channels)

    @property
    def centroids(self) -> NDArray[np.float32]:
        """float32[K+1, P·D], of which the first `used` rows are clusters: a view."""
        return self._means.values

    def add(self, point: NDArray[np.float32], time_s: float) -> Step:
        """Take in one frame: float32[P·D], finite, seen at `time_s`."""
        new = self.slots
        self._means.set(new, point)
        self.weights[new] = 1
        self.first_s[new] = self.mean_s[new] = self.last_s[new] = time_s
        self._distances.changed(new, self.used)
        if self.used < self.slots:
            row = self.used
            self.used += 1
            self._settle(row)
            return Step(home=row, merged=None, removed=None, pair=None)
        low, high = self._distances.cheapest(self._scale())
        if high == new:
            self._merge(low, new)
            self._distances.changed(low, self.used)
            return Step(home=low, merged=low, removed=None, pair=(low, high))
        heavy, light = (low, high) if self.weights[low] >= self.weights[high] else (high, low)
        removed = int(self.ids[light])
        self._merge(heavy, light)
        self._settle(light)
        self._distances.changed(heavy, self.used)
        return Step(home=light, merged=heavy, removed=removed, pair=(low, high))

    def distances(self, points: NDArray[np.float32], row: int) -> NDArray[np.float32]:
        """Squared distances float32[B] of points float32[B, P·D] to the centroid of a row."""
        return self._distances.to(points, row)

    def squared_distances(self) -> NDArray[np.float64]:
        """Squared distances float64[S, S] between the centroids, infinite on the diagonal."""
        return self._distances.matrix(self.used)

    def state(self, row: int) -> ClusterState:
        """A row as it is now; its arrays are views, valid until the next frame."""
        return ClusterState(
            id=int(self.ids[row]),
            weight=int(self.weights[row]),
            first_s=float(self.first_s[row]),
            mean_s=float(self.mean_s[row]),
            last_s=float(self.last_s[row]),
            centroid=self._means.values[row],
            carry=self._means.carries[row],
        )

    def restore(self, rows: Sequence[ClusterState], next_id: int) -> None:
        """Become the clusters given, in row order; their distances come out to the same bits."""
        self.used = len(rows)
        self.next_id = next_id
        self._distances.clear()
        for row, cluster in enumerate(rows):
            self.ids[row] = cluster.id
            self.weights[row] = cluster.weight
            self.first_s[row] = cluster.first_s
            self.mean_s[row] = cluster.mean_s
            self.last_s[row] = cluster.last_s
            self._means.values[row] = cluster.centroid
            self._means.carries[row] = cluster.carry
        for row in range(self.used):
            self._distances.changed(row, self.used)

    def nbytes(self) -> int:
        """Bytes of all arrays; constant over a stream's life."""
        columns = (self.ids, self.weights, self.first_s, self.mean_s, self.last_s)
        held = sum(column.nbytes for column in columns)
        return self._means.nbytes() + self._distances.nbytes() + held

    def _scale(self) -> NDArray[np.float64]:
        """w_i·w_j / (w_i + w_j) of the weights as they count, float64[K+1, K+1]."""
        weights = self._weighing.slots(self.weights)
        weights[self.slots] = self._weighing.frame
        scale: NDArray[np.float64] = np.multiply.outer(weights, weights)
        scale /= np.add.outer(weights, weights)
        return scale

    def _merge(self, into: int, other: int) -> None:
        """Row `into` becomes the weighted mean of both."""
        total = int(self.weights[into] + self.weights[other])
        share = float(self.weights[other]) / total
        self._means.merge(into, other, share)
        self.mean_s[into] += (self.mean_s[other] - self.mean_s[into]) * share
        self.first_s[into] = min(self.first_s[into], self.first_s[other])
        self.last_s[into] = max(self.last_s[into], self.last_s[other])
        self.weights[into] = total

    def _settle(self, row: int) -> None:
        """Give the new frame a row of its own, under a new id."""
        new = self.slots
        self._means.move(new, row)
        for column in (self.weights, self.first_s, self.mean_s, self.last_s):
            column[row] = column[new]
        self.ids[row] = self.next_id
        self.next_id += 1
        self._distances.moved(new, row)
