"""Clustering of the whole history at once: what a stream's memory could be at best."""

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.baselines.lloyd import Clustering, lloyd
from flashstream.evals.summary import rotated

ROUNDS = 300
TOLERANCE = 1e-4  # of the root mean square distance of the points to their mean


class OfflineKMeans:
    """k-means++ over every frame seen, the best of `tries` starts; unbounded in space and time.

    Nothing is computed before a result is asked for.
    """

    def __init__(self, slots: int, seed: int, tries: int = 10) -> None:
        self._slots, self._seed, self._tries = slots, seed, tries
        self._points: list[NDArray[np.float32]] = []
        self._times: list[float] = []
        self._found: Clustering | None = None

    def add(self, point: NDArray[np.float32], time_s: float) -> None:
        """Store one frame float32[W]."""
        self._points.append(point.copy())
        self._times.append(time_s)
        self._found = None

    def centroids(self) -> NDArray[np.float32]:
        if not self._points:
            return np.empty((0, 0), np.float32)
        points, labels = np.stack(self._points), self._clustering().labels
        return np.stack([points[labels == slot].mean(axis=0) for slot in np.unique(labels)])

    def weights(self) -> NDArray[np.float64]:
        if not self._points:
            return np.empty(0)
        return np.unique(self._clustering().labels, return_counts=True)[1].astype(np.float64)

    def times(self) -> NDArray[np.float64]:
        if not self._points:
            return np.empty(0)
        times, labels = np.array(self._times), self._clustering().labels
        return np.array([times[labels == slot].mean() for slot in np.unique(labels)])

    def _clustering(self) -> Clustering:
        if self._found is None:
            points = rotated(np.stack(self._points))
            times = np.array(self._times)
            rng = np.random.default_rng(self._seed)
            self._found = best_clustering(points, times, self._slots, rng, self._tries)
        return self._found


def best_clustering(
    points: NDArray[np.float32],
    times: NDArray[np.float64],
    slots: int,
    rng: np.random.Generator,
    tries: int,
) -> Clustering:
    """Lloyd's rounds from `tries` k-means++ starts; the one of least squared error."""
    weights = np.ones(len(points))
    spread = float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))
    found = [
        lloyd(
            points,
            weights,
            times,
            points[plus_plus(points, min(slots, len(points)), rng)],
            rng,
            rounds=ROUNDS,
            tolerance=TOLERANCE * spread,
        )
        for _ in range(tries)
    ]
    return min(found, key=lambda clustering: clustering.error)


def plus_plus(
    points: NDArray[np.float32], slots: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Starting points by greedy k-means++ (Arthur & Vassilvitskii 2007): intp[S], their rows.

    Each is drawn with a chance proportional to its squared distance to the nearest one chosen
    before; of 2 + ⌊ln S⌋ draws the one that lowers the sum of those distances most is taken.
    """
    lengths = np.einsum("nw,nw->n", points, points)
    draws = 2 + int(np.log(slots))

    def distances(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = lengths - 2 * (points[rows] @ points.T)
        result += lengths[rows, np.newaxis]
        return result.clip(0)

    chosen = [int(rng.integers(len(points)))]
    nearest = distances(np.array(chosen))[0]
    for _ in range(slots - 1):
        cumulative = nearest.cumsum(dtype=np.float64)
        drawn = cumulative.searchsorted(rng.random(draws) * cumulative[-1], side="right")
        tried = np.minimum(nearest, distances(drawn.clip(max=len(points) - 1)))
        best = int(tried.sum(axis=1).argmin())
        chosen.append(int(drawn[best].clip(max=len(points) - 1)))
        nearest = tried[best]
    return np.array(chosen)
