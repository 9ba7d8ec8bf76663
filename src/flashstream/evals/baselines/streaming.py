"""Streaming k-means: what the papers consolidate a frame with."""

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.baselines.lloyd import Measure, by_product, lloyd

ROUNDS = 10
TOLERANCE = 1e-4  # of the papers' published code


class StreamingKMeans:
    """For each frame, k-means over the K centroids and the frame, begun at random.

    slots: K. seed: of the random starts and re-seeded clusters.
    carry: weights are carried on, as the papers describe; False sets them to 1 at each step, as
        the first paper's published code does.
    settle: stop a step when its centroids move less than `TOLERANCE` in all; False always runs
        the full ten rounds.
    measure: how distances are computed.
    """

    def __init__(
        self,
        slots: int,
        seed: int,
        *,
        carry: bool = True,
        settle: bool = True,
        measure: Measure = by_product,
    ) -> None:
        self._slots = slots
        self._rng = np.random.default_rng(seed)
        self._carry = carry
        self._measure = measure
        self._tolerance = TOLERANCE if settle else None
        self._used = 0
        # Made with the first frame. Row K of the points is the newest frame's.
        self._points = self._start = self._scratch = np.empty((0, 0), np.float32)
        self._weights = np.ones(slots + 1)
        self._times = np.zeros(slots + 1)
        self.steps = 0
        self.rounds = 0  # over all steps

    def add(self, point: NDArray[np.float32], time_s: float) -> None:
        """Take in one frame float32[W]."""
        if self._points.size == 0:
            self._points = np.empty((self._slots + 1, len(point)), np.float32)
            self._start, self._scratch = np.empty((2, self._slots, len(point)), np.float32)
        row = self._used
        self._points[row], self._times[row], self._weights[row] = point, time_s, 1
        if self._used < self._slots:
            self._used += 1
            return
        if not self._carry:
            self._weights[:] = 1
        chosen = self._rng.permutation(self._slots + 1)[: self._slots]
        found = lloyd(
            self._points,
            self._weights,
            self._times,
            np.take(self._points, chosen, axis=0, out=self._start),
            self._rng,
            rounds=ROUNDS,
            tolerance=self._tolerance,
            scratch=self._scratch,
            measure=self._measure,
        )
        self._points[: self._slots] = found.centroids
        self._weights[: self._slots] = found.weights
        self._times[: self._slots] = found.times
        self.steps += 1
        self.rounds += found.rounds

    def centroids(self) -> NDArray[np.float32]:
        return self._points[: self._used]

    def weights(self) -> NDArray[np.float64]:
        return self._weights[: self._used].copy()

    def times(self) -> NDArray[np.float64]:
        return self._times[: self._used].copy()
