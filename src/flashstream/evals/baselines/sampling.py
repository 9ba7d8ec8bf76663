"""Summaries that keep frames as they were: the newest, or evenly spread ones."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import InvalidRequestError


class _Kept:
    """Whole frames, each with its number and time."""

    def __init__(self, slots: int) -> None:
        self._seen = 0
        self._kept: deque[tuple[int, float, NDArray[np.float32]]] = deque(maxlen=slots)

    def _keep(self, point: NDArray[np.float32], time_s: float) -> None:
        self._kept.append((self._seen, time_s, point.copy()))

    def centroids(self) -> NDArray[np.float32]:
        if not self._kept:
            return np.empty((0, 0), np.float32)
        return np.stack([point for _, _, point in self._kept])

    def times(self) -> NDArray[np.float64]:
        return np.array([time_s for _, time_s, _ in self._kept], np.float64)

    def frames(self) -> tuple[int, ...]:
        """Numbers of the kept frames, from 1, oldest first."""
        return tuple(number for number, _, _ in self._kept)


class FifoWindow(_Kept):
    """The newest frames; each stands for itself alone."""

    def add(self, point: NDArray[np.float32], time_s: float) -> None:
        """Take in one frame float32[W]."""
        self._seen += 1
        self._keep(point, time_s)

    def weights(self) -> NDArray[np.float64]:
        return np.ones(len(self._kept))


class UniformSampling(_Kept):
    """Frames evenly spread over the whole history, the first and the last among them.

    The papers compare with sampling when the question comes, from all that was stored. The same
    frames are kept here in bounded space, by knowing beforehand how long the history will be.

    length: frames that the history will have. Raises InvalidRequestError for the first frame
    beyond it.
    """

    def __init__(self, slots: int, length: int) -> None:
        super().__init__(slots)
        self._length = length
        positions = np.linspace(0, max(length - 1, 0), slots)
        self._wanted = frozenset((np.rint(positions).astype(int) + 1).tolist())

    def add(self, point: NDArray[np.float32], time_s: float) -> None:
        """Take in one frame float32[W]."""
        if self._seen == self._length:
            raise InvalidRequestError(
                f"frame {self._seen + 1} of a history that was to have {self._length}"
            )
        self._seen += 1
        if self._seen in self._wanted:
            self._keep(point, time_s)

    def weights(self) -> NDArray[np.float64]:
        """Each kept frame stands for an equal share of those seen."""
        kept = len(self._kept)
        return np.full(kept, self._seen / kept if kept else 0.0)
