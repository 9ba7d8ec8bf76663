"""Squared distances between vectors of which one changes at a time, exact only where it matters.

A sum over patches differs by no more than the patches do (Cauchy-Schwarz):

    ‖Σ_p a_p − Σ_p b_p‖² / P ≤ Σ_p ‖a_p − b_p‖².

So the sums, P times fewer numbers, give a lower bound of every distance, and a distance is
computed in full only when its bound could make it the least. What is found is what a search over
all exact distances finds.

Both sides are rounded, and a sum that one huge patch dominates can differ by more than the patches
do. With u = 2⁻²⁴, a float32 sum of P terms in any order is off by at most (P−1)·u·Σ|a_p| (to first
order; Higham, Accuracy and Stability, §4.2), so a row's sums are off by a vector no longer than
(P−1)·u·√P·‖a‖. Twice that of both rows is taken off the length of their difference. Squares and
their sums are off by a share of (D+P+4)·u at most, and by what underflows.
"""

import numpy as np
from numpy.typing import NDArray

_UNIT = 2.0**-24
"""u: half of the last bit of a float32 in [1, 2)."""

_SMALLEST = 2.0**-126
"""More than a product loses that underflows, whether or not denormal numbers are flushed."""


class PairDistances:
    """Squared distances between the rows of `points`, float32[R, P·D], which the owner changes.

    The matrix is symmetric, infinite on the diagonal and at rows that were never `changed`.
    """

    def __init__(self, points: NDArray[np.float32], patches: int, channels: int) -> None:
        rows = len(points)
        self._points = points
        self._patches, self._channels = patches, channels
        self._sums = np.zeros((rows, channels), np.float32)
        self._errors = np.zeros(rows)  # no sum, as a vector of D, is off by more
        self._least = np.full((rows, rows), np.inf)  # the distance where exact, else a bound of it
        self._exact = np.eye(rows, dtype=bool)
        self._row_difference = np.empty(points.shape[1], np.float32)
        self._difference = np.empty((rows, channels), np.float32)
        self._error = 2 * _UNIT * (patches - 1) * np.sqrt(patches)
        self._share = (1 - 4 * _UNIT * (channels + patches + 4)) / patches
        self._floor = _SMALLEST * channels * patches

    def clear(self) -> None:
        """Forget all rows."""
        self._least.fill(np.inf)

    def changed(self, row: int, used: int) -> None:
        """Row `row` has a new value; it is compared with the first `used` rows."""
        by_patch = self._points[row].reshape(self._patches, self._channels)
        np.add.reduce(by_patch, axis=0, out=self._sums[row])
        self._errors[row] = (
            self._error * np.sqrt(self._squared_norms(self._points[row : row + 1]))[0]
        )
        difference = np.subtract(self._sums[:used], self._sums[row], out=self._difference[:used])
        bounds = np.sqrt(np.einsum("rd,rd->r", difference, difference), dtype=np.float64)
        bounds -= self._errors[:used]
        bounds -= self._errors[row]
        np.maximum(bounds, 0, out=bounds)
        bounds *= bounds
        bounds *= self._share
        bounds -= self._floor
        np.maximum(bounds, 0, out=bounds)
        self._least[row, :used] = bounds
        self._least[:used, row] = bounds
        self._exact[row] = self._exact[:, row] = False
        self._least[row, row] = np.inf
        self._exact[row, row] = True

    def moved(self, source: int, row: int) -> None:
        """Row `row` has taken the value of row `source`, and what is known of that one."""
        self._sums[row] = self._sums[source]
        self._errors[row] = self._errors[source]
        for known, diagonal in ((self._least, np.inf), (self._exact, True)):
            known[row] = known[source]
            known[:, row] = known[source]
            known[row, row] = diagonal

    def cheapest(self, scale: NDArray[np.float64]) -> tuple[int, int]:
        """The pair, lower row first, of the least scale[i, j] · distance; lowest rows on a tie.

        scale: float64[R, R], symmetric, positive.
        """
        cost = scale * self._least
        rows = len(cost)
        while True:
            # Symmetric, so the first minimum has the lower row first: ties are settled.
            low, high = divmod(int(cost.argmin()), rows)
            if self._exact[low, high]:
                return low, high
            cost[low, high] = cost[high, low] = scale[low, high] * self._measure(low, high)

    def matrix(self, used: int) -> NDArray[np.float64]:
        """All squared distances of the first `used` rows, exact, float64[used, used]."""
        for low, high in np.argwhere(np.triu(~self._exact[:used, :used], 1)):
            self._measure(int(low), int(high))
        return self._least[:used, :used].copy()

    def to(self, points: NDArray[np.float32], row: int) -> NDArray[np.float32]:
        """Squared distances float32[B] of points float32[B, P·D] to a row."""
        return self._squared_norms(points - self._points[row])

    def nbytes(self) -> int:
        """Bytes of all arrays but the points."""
        arrays = (self._sums, self._errors, self._least, self._exact)
        scratch = (self._row_difference, self._difference)
        return sum(array.nbytes for array in arrays + scratch)

    def _measure(self, low: int, high: int) -> float:
        difference = np.subtract(self._points[low], self._points[high], out=self._row_difference)
        distance = float(self._squared_norms(difference[np.newaxis])[0])
        self._least[low, high] = self._least[high, low] = distance
        self._exact[low, high] = self._exact[high, low] = True
        return distance

    def _squared_norms(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        # Summed by patch first: as accurate as pairwise summation, and the order of additions
        # depends neither on how many rows are asked at once nor on the number of threads.
        by_patch = vectors.reshape(len(vectors), self._patches, self._channels)
        norms: NDArray[np.float32] = np.einsum("kpd,kpd->kp", by_patch, by_patch).sum(axis=1)
        return norms
