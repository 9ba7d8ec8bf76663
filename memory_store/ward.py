"""Exact streaming consolidation by the least Ward cost (design §4).

K clusters and one new frame are K+1 points; to keep K clusters exactly one pair has to merge, and
the pair that raises the weighted k-means objective least is the one of least Ward cost

    Δ(i, j) = w_i·w_j / (w_i + w_j) · ‖c_i − c_j‖².

The squared distances are kept, so a frame costs one new row of them, an arg-min, one weighted
mean and one recomputed row: O(K·P·D), however long the stream has run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CARRY_SCALE = np.float32(2**24)
"""A float32's rounding error times 2^24 is as large as the number itself at most: float16 holds
it wherever float16 held the features."""

_BLOCK_BYTES = 512 * 1024  # of differences computed at once, so that they stay in the L2 cache


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

    centroid: float32[P·D]; carry: float16[P·D], what rounding took from the centroid, × 2^24.
    """

    id: int
    weight: int
    first_s: float
    mean_s: float
    last_s: float
    centroid: NDArray[np.float32]
    carry: NDArray[np.float16]


class WardClusters:
    """Up to K weighted clusters of vectors of P patches × D channels.

    Ties go to the lowest rows (the frame comes last). Of two slots that merge, the heavier one
    (the lower row, if equal) keeps its row and id; the other's row takes the frame under a new id.
    """

    def __init__(self, slots: int, patches: int, channels: int) -> None:
        self.slots, self.patches, self.channels = slots, patches, channels
        width = patches * channels
        self.used = 0
        self.next_id = 0
        # Row K of each array is the new frame's place while it is weighed.
        self.centroids = np.zeros((slots + 1, width), np.float32)
        self.carries = np.zeros((slots + 1, width), np.float16)
        self.ids = np.zeros(slots, np.int32)
        self.weights = np.ones(slots + 1, np.int64)
        self.first_s = np.zeros(slots + 1, np.float64)
        self.mean_s = np.zeros(slots + 1, np.float64)
        self.last_s = np.zeros(slots + 1, np.float64)
        self._squared = np.full((slots + 1, slots + 1), np.inf)
        self._rows_at_once = max(1, _BLOCK_BYTES // (4 * width))
        self._difference = np.empty((min(self._rows_at_once, slots), width), np.float32)

    def add(self, point: NDArray[np.float32], time_s: float) -> Step:
        """Take in one frame: float32[P·D], finite, seen at `time_s`."""
        new = self.slots
        self.centroids[new] = point
        self.carries[new] = 0
        self.weights[new] = 1
        self.first_s[new] = self.mean_s[new] = self.last_s[new] = time_s
        self._measure(new)
        if self.used < self.slots:
            row = self.used
            self.used += 1
            self._settle(row)
            return Step(home=row, merged=None, removed=None, pair=None)
        low, high = self._cheapest_pair()
        if high == new:
            self._merge(low, new)
            self._measure(low)
            return Step(home=low, merged=low, removed=None, pair=(low, high))
        heavy, light = (low, high) if self.weights[low] >= self.weights[high] else (high, low)
        removed = int(self.ids[light])
        self._merge(heavy, light)
        self._settle(light)
        self._measure(heavy)
        return Step(home=light, merged=heavy, removed=removed, pair=(low, high))

    def distances(self, points: NDArray[np.float32], row: int) -> NDArray[np.float32]:
        """Squared distances float32[B] of points float32[B, P·D] to the centroid of a row."""
        difference = points - self.centroids[row]
        return self._squared_norms(difference)

    def squared_distances(self) -> NDArray[np.float64]:
        """Squared distances float64[S, S] between the centroids, infinite on the diagonal."""
        return self._squared[: self.used, : self.used].copy()

    def state(self, row: int) -> ClusterState:
        """A row as it is now; its arrays are views, valid until the next frame."""
        return ClusterState(
            id=int(self.ids[row]),
            weight=int(self.weights[row]),
            first_s=float(self.first_s[row]),
            mean_s=float(self.mean_s[row]),
            last_s=float(self.last_s[row]),
            centroid=self.centroids[row],
            carry=self.carries[row],
        )

    def restore(self, rows: Sequence[ClusterState], next_id: int) -> None:
        """Become the clusters given, in row order; their distances come out to the same bits."""
        self.used = len(rows)
        self.next_id = next_id
        self._squared.fill(np.inf)
        for row, cluster in enumerate(rows):
            self.ids[row] = cluster.id
            self.weights[row] = cluster.weight
            self.first_s[row] = cluster.first_s
            self.mean_s[row] = cluster.mean_s
            self.last_s[row] = cluster.last_s
            self.centroids[row] = cluster.centroid
            self.carries[row] = cluster.carry
        for row in range(self.used):
            self._measure(row)

    def nbytes(self) -> int:
        """Bytes of all arrays; constant over a stream's life."""
        arrays = (self.centroids, self.carries, self._squared, self._difference)
        return sum(a.nbytes for a in arrays) + 44 * (self.slots + 1)

    def _cheapest_pair(self) -> tuple[int, int]:
        weights = self.weights.astype(np.float64)
        cost = np.multiply.outer(weights, weights)
        cost /= np.add.outer(weights, weights)
        cost *= self._squared
        # The matrix is symmetric, so its first minimum has the lower row first: ties are settled.
        low, high = divmod(int(cost.argmin()), self.slots + 1)
        return low, high

    def _merge(self, into: int, other: int) -> None:
        """Row `into` becomes the weighted mean of both, its rounding error carried on."""
        total = int(self.weights[into] + self.weights[other])
        exact_share = float(self.weights[other]) / total
        share = np.float32(exact_share)
        centroid, carry = self.centroids[into], self.carries[into]
        step = self.centroids[other] - centroid
        step *= share
        lost = carry * (np.float32(1) - share) + self.carries[other] * share
        step += lost / CARRY_SCALE
        mean = centroid + step
        moved = mean - centroid
        error = (centroid - (mean - moved)) + (step - moved)  # exact (Knuth's two-sum)
        centroid[:] = mean
        carry[:] = error * CARRY_SCALE
        self.mean_s[into] += (self.mean_s[other] - self.mean_s[into]) * exact_share
        self.first_s[into] = min(self.first_s[into], self.first_s[other])
        self.last_s[into] = max(self.last_s[into], self.last_s[other])
        self.weights[into] = total

    def _settle(self, row: int) -> None:
        """Give the new frame a row of its own, under a new id."""
        new = self.slots
        for array in (self.centroids, self.carries, self.weights):
            array[row] = array[new]
        for times in (self.first_s, self.mean_s, self.last_s):
            times[row] = times[new]
        self.ids[row] = self.next_id
        self.next_id += 1
        self._squared[row, : self.slots] = self._squared[new, : self.slots]
        self._squared[: self.slots, row] = self._squared[new, : self.slots]
        self._squared[row, row] = np.inf

    def _measure(self, row: int) -> None:
        """Compute the squared distances of a row to all used rows."""
        point = self.centroids[row]
        for start in range(0, self.used, self._rows_at_once):
            stop = min(start + self._rows_at_once, self.used)
            difference = self._difference[: stop - start]
            np.subtract(self.centroids[start:stop], point, out=difference)
            self._squared[row, start:stop] = self._squared_norms(difference)
        self._squared[row, row] = np.inf
        self._squared[: self.used, row] = self._squared[row, : self.used]

    def _squared_norms(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        # Summed by patch first: as accurate as pairwise summation, and the order of additions
        # depends neither on how many rows are asked at once nor on the number of threads.
        by_patch = vectors.reshape(len(vectors), self.patches, self.channels)
        norms: NDArray[np.float32] = np.einsum("kpd,kpd->kp", by_patch, by_patch).sum(axis=1)
        return norms
