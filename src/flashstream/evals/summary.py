"""What every way of remembering a stream comes down to: a few weighted points; and its error."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import MemoryShapeError
from flashstream.memory_store.ward import WardClusters
from flashstream.memory_store.weighing import PAPERS, Weighing

_ROWS = 256  # points compared at once


class Summary(Protocol):
    """A stream of points kept in at most S slots, fewer before S points were seen."""

    def add(self, point: NDArray[np.float32], time_s: float) -> None:
        """Take in one point float32[W]; the caller may use the array again."""
        ...

    def centroids(self) -> NDArray[np.float32]:
        """float32[S, W]; may be a view, valid until the next `add`."""
        ...

    def weights(self) -> NDArray[np.float64]:
        """float64[S]: how many of the points seen each slot stands for."""
        ...

    def times(self) -> NDArray[np.float64]:
        """float64[S]: mean time of what each slot stands for, in the seconds of `add`."""
        ...


class WardSummary:
    """The product's own consolidation as a `Summary`; points are P patches × D channels."""

    def __init__(
        self,
        slots: int,
        patches: int,
        channels: int,
        weighing: Weighing = PAPERS,
    ) -> None:
        self._clusters = WardClusters(slots, patches, channels, weighing)

    def add(self, point: NDArray[np.float32], time_s: float) -> None:
        self._clusters.add(point, time_s)

    def centroids(self) -> NDArray[np.float32]:
        return self._clusters.centroids[: self._clusters.used]

    def weights(self) -> NDArray[np.float64]:
        return self._clusters.weights[: self._clusters.used].astype(np.float64)

    def times(self) -> NDArray[np.float64]:
        return self._clusters.mean_s[: self._clusters.used].copy()


def nearest_slots(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.intp]:
    """For each of points float32[N, W], the number of its nearest centroid of float32[S, W]."""
    lengths = np.einsum("sw,sw->s", centroids, centroids)
    scores = points @ centroids.T
    scores *= -2
    scores += lengths
    nearest: NDArray[np.intp] = scores.argmin(axis=1)
    return nearest


def squared_error(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> float:
    """Sum over points float32[N, W] of the squared distance to the nearest of float32[S, W].

    Raises MemoryShapeError if there is no centroid or the widths differ.
    """
    if len(centroids) == 0 or points.shape[1:] != centroids.shape[1:]:
        raise MemoryShapeError(
            f"centroids have shape {centroids.shape}; [S, {points.shape[1]}], S ≥ 1, is taken"
        )
    # Both are moved by the same vector: shorter vectors lose less when they are multiplied out.
    middle = centroids.mean(axis=0)
    shifted = centroids - middle
    total = 0.0
    for start in range(0, len(points), _ROWS):
        block = points[start : start + _ROWS] - middle
        block -= shifted[nearest_slots(block, shifted)]
        total += float(np.einsum("nw,nw->n", block, block).sum(dtype=np.float64))
    return total


def rotated(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The points float32[N, W] in an orthonormal basis of their own span: float32[N, min(N, W)].

    All distances between points, and between their weighted means, stay as they were (to
    float32 rounding): whatever looks at distances alone does the same there, in less time. The
    points are moved to their mean first.
    """
    centred: NDArray[np.float32] = points - points.mean(axis=0)
    if len(points) >= points.shape[1]:
        return centred
    upper = np.asarray(np.linalg.qr(centred.T, mode="r"), np.float32)
    return np.ascontiguousarray(upper.T)
