"""How much of a stream is lost by keeping it in K points: ours against every baseline."""

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.baselines import (
    FifoWindow,
    OfflineKMeans,
    StreamingKMeans,
    UniformSampling,
)
from flashstream.evals.summary import Summary, WardSummary, rotated, squared_error
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import Progress

BASELINES = ("streaming_kmeans", "streaming_kmeans_reset", "uniform", "fifo", "offline_kmeans")


def errors(
    points: NDArray[np.float32],
    patches: int,
    slots: int,
    report: Progress,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    tries: int = 10,
) -> dict[str, float]:
    """Squared error of all frames to their nearest centroid, once all were seen.

    points: float32[N, P·D], frames at the temporal grid of P patches. Returns the error of
    "ours", of ours with the papers' cost, and of each of `BASELINES`: of the
    streaming ones the mean over `seeds`, of the offline one the best of `tries` starts.

    The baselines run on the same points in a basis of their span, which changes no distance.
    """
    channels = points.shape[1] // patches
    turned = rotated(points)
    made: dict[str, Sequence[Callable[[], Summary]]] = {
        "streaming_kmeans": [lambda s=s: StreamingKMeans(slots, s) for s in seeds],  # type: ignore[misc]
        "streaming_kmeans_reset": [
            lambda s=s: StreamingKMeans(slots, s, carry=False)  # type: ignore[misc]
            for s in seeds
        ],
        "uniform": [lambda: UniformSampling(slots, len(points))],
        "fifo": [lambda: FifoWindow(slots)],
        "offline_kmeans": [lambda: OfflineKMeans(slots, seeds[0], tries)],
    }
    sizes = (slots, patches, channels)
    own = WardSummary(*sizes, StarConfig().weighing)
    found = {
        "ours": _error(own, points),
        "ours_papers_cost": _error(WardSummary(*sizes), points),
    }
    for number, name in enumerate(BASELINES):
        report(f"error of {slots} points for {len(points)} frames", number / len(BASELINES))
        found[name] = fmean(_error(make(), turned) for make in made[name])
    report(f"error of {slots} points for {len(points)} frames", 1.0)
    return found


def over_ours(found: Sequence[dict[str, float]]) -> dict[str, float]:
    """For each baseline, the least of its errors over ours, among several measurements."""
    return {name: min(each[name] / each["ours"] for each in found) for name in BASELINES}


def _error(summary: Summary, points: NDArray[np.float32]) -> float:
    for number, point in enumerate(points):
        summary.add(point, float(number))
    return squared_error(points, summary.centroids())
