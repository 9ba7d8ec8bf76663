"""Arrays as whole multiples of a scale: small, close to the original, zeros where zeros were.

Most features are zero, after a ReLU and average pooling, and a channel that one patch has its
neighbours tend to have too. So what is kept is which numbers are not zero, channel by channel, and
those numbers' levels, in 8 bits each if they fit, both under a Huffman code.
"""

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TRIES = 12
_SMALLEST_HALF = 2.0**-24  # every float16 is a multiple of it
_LEVELS = {"|u1": 255, "|i1": 127, "<i2": 32767}  # by type, the greatest


@dataclass(frozen=True, slots=True)
class Levels:
    """An array as levels. `kind` is their type.

    mask, values: deflated; a bit for each number, and the levels that are not zero, both in the
    order of channels (the last axis), then places.
    """

    kind: str
    scale: float
    mask: bytes
    values: bytes


def quantised(array: NDArray[Any], error: float) -> Levels | None:
    """The array within `error` of its norm: ‖restored − array‖₂ ≤ error·‖array‖₂.

    array: float16 or float32 […, D]. No number is off by more than half the scale, and zeros stay
    zeros. None if 16-bit levels do not come that near, as they may not in an array of more than
    400,000 numbers, or of subnormal ones. Raises ValueError for NaN and infinity.
    """
    exact = array.astype(np.float64)
    norm = math.sqrt(np.square(exact).sum())
    if not math.isfinite(norm):
        raise ValueError("it has NaN or infinity in it")
    count = int(np.count_nonzero(exact))
    if count == 0:
        return _packed(exact, 1.0, "|u1")
    if norm == 0:  # the squares are too small for a float64
        return None
    # Rounding errors are spread evenly over ± half a scale: on average a scale/√12 each.
    scale = _above(error * norm * math.sqrt(12 / count))
    greatest = float(np.abs(exact).max())
    byte = "|i1" if exact.min() < 0 else "|u1"
    for _ in range(_TRIES):
        kind = byte
        if greatest > _LEVELS[kind] * scale:
            # With a power of two each product is a number of the array's own type.
            kind, scale = "<i2", 2.0 ** math.floor(math.log2(scale))
        if array.dtype.itemsize == 2 and scale < 8 * _SMALLEST_HALF:
            scale = _SMALLEST_HALF
        levels = np.rint(exact / scale)
        if np.abs(levels).max() <= _LEVELS[kind]:
            off = _scaled(levels, scale, array.dtype).astype(np.float64) - exact
            if np.abs(off).max() <= scale / 2 and np.square(off).sum() <= (error * norm) ** 2:
                return _packed(levels, scale, kind)
        scale = _below(scale)
    return None


def restored(levels: Levels, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The array, of that type and shape, which the caller has found to be of a size to be held.

    Raises ValueError if the levels are not those of such an array.
    """
    if levels.kind not in _LEVELS or not (math.isfinite(levels.scale) and levels.scale > 0):
        raise ValueError(f"its levels are {levels.kind} with a scale of {levels.scale}")
    count = math.prod(shape)
    bits = np.frombuffer(_inflated(levels.mask, (count + 7) // 8), np.uint8)
    mask = np.unpackbits(bits, count=count).astype(bool)
    size = int(mask.sum()) * np.dtype(levels.kind).itemsize
    by_channel = np.zeros(count, np.float64)
    by_channel[mask] = np.frombuffer(_inflated(levels.values, size), levels.kind)
    channels = shape[-1] if shape else 1
    places = np.ascontiguousarray(by_channel.reshape(channels, -1).T) if count else by_channel
    return _scaled(places, levels.scale, np.dtype(dtype)).reshape(shape)


def _packed(levels: NDArray[np.float64], scale: float, kind: str) -> Levels:
    places = levels.reshape(-1, levels.shape[-1]) if levels.size else levels.reshape(0, 1)
    by_channel = np.ascontiguousarray(places.T)
    mask = by_channel != 0
    values = by_channel[mask].astype(kind)
    return Levels(kind, scale, _deflated(np.packbits(mask).tobytes()), _deflated(values.tobytes()))


def _scaled(levels: NDArray[np.float64], scale: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    numbers = levels * scale
    most = float(np.finfo(dtype).max)  # the greatest number may be rounded up to more
    scaled: NDArray[Any] = np.clip(numbers, -most, most).astype(dtype)
    return scaled


def _above(scale: float) -> float:
    """The least scale of the form 4, 5, 6 or 7 times a power of two that is no smaller.

    Such a scale times a level of 8 bits is exact in 11 bits, which a float16 has.
    """
    mantissa, exponent = math.frexp(scale)
    return math.ldexp(math.ceil(8 * mantissa), exponent - 3)


def _below(scale: float) -> float:
    """The next smaller of those scales."""
    mantissa, exponent = math.frexp(scale)
    step = math.ceil(8 * mantissa) - 1
    return math.ldexp(step, exponent - 3) if step >= 4 else math.ldexp(7, exponent - 4)


def _deflated(data: bytes) -> bytes:
    # Matches are rare in noise: a Huffman code alone is smaller, and faster.
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    return packer.compress(data) + packer.flush()


def _inflated(data: bytes, size: int) -> bytes:
    """What has to come out to `size` bytes; no more than that is ever made."""
    unpacker = zlib.decompressobj(-15)
    try:
        inflated = unpacker.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(f"its levels cannot be inflated ({error})") from error
    if len(inflated) != size or not unpacker.eof or unpacker.unused_data:
        raise ValueError(f"its levels do not inflate to the {size} bytes that its shape asks for")
    return inflated
