"""Weighted k-means by Lloyd's rounds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Measure = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
"""points float32[N, W], centroids float32[S, W] → squared distances float32[N, S]."""


def by_product(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    """‖x‖² + ‖c‖² − 2x·c: the fastest way, as in the second paper's published code; of points
    that are nearer to each other than to 0 most digits cancel."""
    squared: NDArray[np.float32] = points @ centroids.T
    squared *= -2
    squared += np.einsum("sw,sw->s", centroids, centroids)
    squared += np.einsum("nw,nw->n", points, points)[:, np.newaxis]
    return squared


def by_differences(
    points: NDArray[np.float32], centroids: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Σ(x − c)², as in the first paper's published code: as exact as the memory's own."""
    squared = np.empty((len(points), len(centroids)), np.float32)
    difference = np.empty_like(centroids)
    for number, point in enumerate(points):
        np.subtract(centroids, point, out=difference)
        np.einsum("sw,sw->s", difference, difference, out=squared[number])
    return squared


@dataclass(frozen=True, slots=True)
class Clustering:
    """What Lloyd's rounds ended with.

    centroids: float32[S, W]; labels: intp[N], the cluster of each point in the last round.
    weights: float64[S], sums of the points' weights by `labels`; 0 for a re-seeded centroid.
    times: float64[S], the points' times averaged as the points were.
    rounds: how many were run; error: weighted sum of squared distances of points to the
    centroids that they were assigned to, before those moved for the last time.
    """

    centroids: NDArray[np.float32]
    weights: NDArray[np.float64]
    times: NDArray[np.float64]
    labels: NDArray[np.intp]
    rounds: int
    error: float


def lloyd(
    points: NDArray[np.float32],
    weights: NDArray[np.float64],
    times: NDArray[np.float64],
    start: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    rounds: int,
    tolerance: float | None,
    scratch: NDArray[np.float32] | None = None,
    measure: Measure = by_product,
) -> Clustering:
    """Assign every point to its nearest centroid, move centroids to weighted means, and again.

    points: float32[N, W]; weights: float64[N], ≥ 0; times: float64[N]; start: float32[S, W], which
    is overwritten, as is scratch, float32[S, W]; the result is in one of the two.
    tolerance: stop when the distances that the centroids moved sum to less; None runs every round.

    A centroid whose points weigh nothing is put on a point drawn at random, with weight 0, as in
    the papers' published code. Equal distances go to the lower centroid.
    """
    slots = len(start)
    centroids, moved = start, np.empty_like(start) if scratch is None else scratch
    mean_times, totals = np.zeros(slots), np.zeros(slots)
    for done in range(1, rounds + 1):  # noqa: B007
        squared = measure(points, centroids)
        labels = squared.argmin(axis=1)
        totals = np.bincount(labels, weights, minlength=slots).astype(np.float64)
        order = labels.argsort(kind="stable")
        ends = np.bincount(labels, minlength=slots).cumsum()
        begins = np.concatenate(([0], ends[:-1]))
        for slot in range(slots):
            members = order[begins[slot] : ends[slot]]
            if totals[slot] == 0:
                drawn = rng.integers(len(points))
                moved[slot], mean_times[slot] = points[drawn], times[drawn]
            elif len(members) == 1:  # most are, in a stream: a copy is cheaper than a product
                moved[slot], mean_times[slot] = points[members[0]], times[members[0]]
            else:
                share = weights[members] / totals[slot]
                np.matmul(share.astype(np.float32), points[members], out=moved[slot])
                mean_times[slot] = share @ times[members]
        settled = tolerance is not None and _moved(centroids, moved) < tolerance
        centroids, moved = moved, centroids
        if settled:
            break
    best = squared[np.arange(len(points)), labels]
    error = float(weights @ best.clip(0))
    return Clustering(centroids, totals, mean_times, labels, done, error)


def _moved(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    difference = before - after
    return float(np.sqrt(np.einsum("sw,sw->s", difference, difference)).sum())
