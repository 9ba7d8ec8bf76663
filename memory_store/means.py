"""Weighted means that do not drift: rows of float32, with what rounding took from them."""

import numpy as np
from numpy.typing import NDArray

_EXPONENT = np.uint32(0x7F80_0000)  # of a float32; these bits alone are the power of two below it
_INVERSE = np.uint32(0x7F00_0000)  # minus those bits: one over that power of two
_UNIT = np.float32(2.0**-38)  # of a carry, where the value is in [1, 2): 2⁻¹⁵ of its last bit


def narrowed(lost: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.int16]:
    """What rounding took from values, at most half of the last bit, in units of 2⁻¹⁵ last bits."""
    inverse = (_INVERSE - (values.view(np.uint32) & _EXPONENT)).view(np.float32)
    inverse *= lost
    inverse /= _UNIT
    return np.rint(inverse, out=inverse).astype(np.int16)


def widened(carries: NDArray[np.int16], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The reverse of `narrowed`, exact."""
    power = (values.view(np.uint32) & _EXPONENT).view(np.float32)
    power *= carries
    power *= _UNIT
    return power


class Means:
    """R rows of W numbers, each values[r] + widened(carries[r], values[r]).

    A float32 mean of a million frames would stand still wherever a frame's share is below its last
    bit. The carry keeps what each addition lost (two-sum, Knuth, TAOCP 2 §4.2.2) and hands it to
    the next; in 16 bits it takes the mean's precision from 2⁻²⁴ to 2⁻³⁹. Of k frames out of n such
    a loss counts k/n in the end, so n merges move a mean by n/2 · 2⁻³⁹ of it at most: 9.1e-6 after
    ten million, were all of them rounded one way.

    values: float32[R, W]; carries: int16[R, W].
    """

    def __init__(self, rows: int, width: int) -> None:
        self.values = np.zeros((rows, width), np.float32)
        self.carries = np.zeros((rows, width), np.int16)
        self._scratch = np.empty((3, width), np.float32)

    def set(self, row: int, values: NDArray[np.float32]) -> None:
        """A row begins anew, with nothing lost."""
        self.values[row] = values
        self.carries[row] = 0

    def move(self, source: int, row: int) -> None:
        """Row `row` takes the value of row `source`."""
        self.values[row] = self.values[source]
        self.carries[row] = self.carries[source]

    def merge(self, into: int, other: int, share: float) -> None:
        """Row `into` becomes (1 − share)·into + share·other."""
        old = self.values[into]
        step, new, moved = self._scratch
        np.subtract(self.values[other], old, out=step)
        if self.carries[other].any():  # a new frame's are all zero
            step += widened(self.carries[other], self.values[other])
        carried = widened(self.carries[into], old)
        step -= carried
        step *= np.float32(share)
        step += carried
        np.add(old, step, out=new)
        np.subtract(new, old, out=moved)
        step -= moved
        np.subtract(new, moved, out=moved)
        np.subtract(old, moved, out=moved)
        step += moved  # exactly what old + step lost
        old[:] = new
        self.carries[into] = narrowed(step, new)

    def nbytes(self) -> int:
        return self.values.nbytes + self.carries.nbytes + self._scratch.nbytes
