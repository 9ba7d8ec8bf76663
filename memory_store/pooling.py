"""Average pooling of a frame's patch grid."""

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.half import widened


def pool(features: NDArray[np.float32], grid: int) -> NDArray[np.float32]:
    """float32[G, G, D] → float32[g, g, D], the mean of each (G/g)×(G/g) block; g divides G."""
    side, _, channels = features.shape
    if grid == side:
        return features
    block = side // grid
    by_row = features.reshape(grid, block, side * channels).sum(axis=1)
    summed: NDArray[np.float32] = by_row.reshape(grid, grid, block, channels).sum(axis=2)
    summed /= block * block
    return summed


class Pyramid:
    """One frame's features at every grid that is asked for, each computed once."""

    def __init__(self, features: NDArray[np.float16]) -> None:
        self._features = features
        self._pooled: dict[int, NDArray[np.float32]] = {}
        self._kept: dict[int, NDArray[np.float16]] = {}

    def at(self, grid: int) -> NDArray[np.float32]:
        """float32[g, g, D], to compute with."""
        if grid not in self._pooled:
            side = self._features.shape[0]
            whole = grid == side
            self._pooled[grid] = widened(self._features) if whole else pool(self.at(side), grid)
        return self._pooled[grid]

    def kept(self, grid: int) -> NDArray[np.float16]:
        """float16[g, g, D], to keep: a read-only array of its own, shared by all who ask."""
        if grid not in self._kept:
            whole = grid == self._features.shape[0]
            array = self._features.copy() if whole else self.at(grid).astype(np.float16)
            array.flags.writeable = False
            self._kept[grid] = array
        return self._kept[grid]
