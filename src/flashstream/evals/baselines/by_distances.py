"""Streaming k-means computed from the mutual distances of its points.

Centroids are weighted means of the K+1 points of a step, and distances between such means follow
from the points' own: with D the matrix of squared distances and a, b rows of weights of sum 1,

    ‖Σ aᵢxᵢ − Σ bᵢxᵢ‖² = a·D·bᵀ − ½ a·D·aᵀ − ½ b·D·bᵀ.

So Lloyd's rounds cost nothing that depends on the points' width; only the new frame's distances and
the means that a step ends with do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.baselines.streaming import ROUNDS, TOLERANCE

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rounds:
    """What Lloyd's rounds ended with.

    shares: float64[S, N], each centroid as a weighted mean of the points; weights: float64[S], 0
    for a centroid that was put on a point drawn at random; count: how many rounds were run.
    """

    shares: Matrix
    weights: Matrix
    count: int


def lloyd_by_distances(
    squared: Matrix,
    weights: Matrix,
    start: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    rounds: int,
    tolerance: float | None,
) -> Rounds:
    """`lloyd`, from the points' squared distances float64[N, N] alone.

    start: rows of the points that the centroids begin at. The same draws in the same order, and
    the same rules for equal distances and for centroids whose points weigh nothing.
    """
    points = np.arange(len(squared))
    shares = np.zeros((len(start), len(squared)))
    shares[np.arange(len(start)), start] = 1
    totals = np.zeros(len(start))
    for done in range(1, rounds + 1):  # noqa: B007
        to_points = shares @ squared
        own = np.einsum("sn,sn->s", to_points, shares) / 2
        labels = (to_points - own[:, np.newaxis]).argmin(axis=0)
        totals = np.bincount(labels, weights, minlength=len(start)).astype(np.float64)
        moved = np.zeros_like(shares)
        moved[labels, points] = weights / np.where(totals[labels] > 0, totals[labels], 1)
        for slot in np.flatnonzero(totals == 0):
            moved[slot] = 0
            moved[slot, rng.integers(len(squared))] = 1
        step = moved - shares
        shares = moved
        if tolerance is not None:
            lengths = -np.einsum("sn,sn->s", step @ squared, step) / 2
            if np.sqrt(lengths.clip(0)).sum() < tolerance:
                break
    return Rounds(shares, totals, done)


class DistanceKMeans:
    """`StreamingKMeans` with its weights carried on, at a fraction of its time.

    The same decisions where distances are not equal to rounding; see `lloyd_by_distances`.

    slots: K. seed: of the random starts and re-seeded clusters.
    """

    def __init__(self, slots: int, seed: int) -> None:
        self._slots = slots
        self._rng = np.random.default_rng(seed)
        self._points: list[NDArray[np.float32]] = []  # never written to: rows may share one
        self._squared = np.zeros((slots + 1, slots + 1))
        self._weights = np.ones(slots + 1)
        self._times = np.zeros(slots + 1)

    def add(self, point: NDArray[np.float32], time_s: float) -> tuple[NDArray[np.intp], ...] | None:
        """Take in one frame float32[W].

        Returns, for each slot, the rows of the points that its centroid is the mean of, in
        ascending order, where row K is the frame; None while there are free slots, of which the
        frame has taken the next.
        """
        row = len(self._points)
        self._points.append(point.copy())
        self._times[row], self._weights[row] = time_s, 1
        self._squared[row, : row + 1] = self._squared[: row + 1, row] = self._to(point)
        if row < self._slots:
            return None
        found = lloyd_by_distances(
            self._squared,
            self._weights,
            self._rng.permutation(self._slots + 1)[: self._slots],
            self._rng,
            rounds=ROUNDS,
            tolerance=TOLERANCE,
        )
        members = tuple(np.flatnonzero(share) for share in found.shares)
        self._points = [
            self._mean(share, rows) for share, rows in zip(found.shares, members, strict=True)
        ]
        self._times[: self._slots] = found.shares @ self._times
        self._weights[: self._slots] = found.weights
        self._squared[: self._slots, : self._slots] = _between(found.shares, self._squared)
        return members

    def centroids(self) -> NDArray[np.float32]:
        if not self._points:
            return np.empty((0, 0), np.float32)
        return np.stack(self._points)

    def centroid(self, row: int) -> NDArray[np.float32]:
        """float32[W] of one slot, which is never written to."""
        return self._points[row]

    def weights(self) -> Matrix:
        return self._weights[: len(self._points)].copy()

    def times(self) -> Matrix:
        return self._times[: len(self._points)].copy()

    def _to(self, point: NDArray[np.float32]) -> Matrix:
        """Squared distances of all points to one, by differences."""
        difference = np.empty_like(point)
        squared = np.empty(len(self._points))
        for row, other in enumerate(self._points):
            np.subtract(other, point, out=difference)
            squared[row] = np.einsum("w,w->", difference, difference)
        return squared

    def _mean(self, share: Matrix, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        if len(rows) == 1:
            return self._points[int(rows[0])]
        mean = np.zeros_like(self._points[0])
        for row in rows.tolist():
            mean += np.float32(share[row]) * self._points[row]
        return mean


def _between(shares: Matrix, squared: Matrix) -> Matrix:
    """Squared distances float64[S, S] of weighted means of points."""
    cross = shares @ squared @ shares.T
    own = np.diag(cross) / 2
    between: Matrix = (cross - own - own[:, np.newaxis]).clip(0)
    return (between + between.T) / 2
