# Triton gives a kernel's arguments their types, and its constants are written in capitals.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"
# ruff: noqa: N803
"""What the two launches of `ward_update` are made of."""

import triton
import triton.language as tl

_EXPONENT = tl.constexpr(0x7F80_0000)
_INVERSE = tl.constexpr(0x7F00_0000)
_FINER = tl.constexpr(2.0**38)
_UNIT = tl.constexpr(2.0**-38)
_ROUNDER = tl.constexpr(1.5 * 2.0**23)
_NO_PAIR = tl.constexpr(2**31 - 1)


@triton.jit
def measure(
    own,
    centroids,
    point,
    split,
    filled,
    slots,
    width,
    SLICE: tl.constexpr,
    BLOCK_W: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """Squared distances over one slice of W, from a point to the first `filled` rows, zero for the
    rest, written to own: float32[K].

    centroids: float32[K, W], one stream's; point: [W].
    """
    for first_row in range(0, slots, BLOCK_K):
        rows = first_row + tl.arange(0, BLOCK_K)
        start = centroids + rows.to(tl.int64) * width
        total = tl.zeros([BLOCK_K, BLOCK_W], tl.float32)
        for offset in range(0, SLICE, BLOCK_W):
            columns = split * SLICE + offset + tl.arange(0, BLOCK_W)
            inside = (rows < filled)[:, None] & (columns < width)[None, :]
            p = tl.load(point + columns, mask=columns < width, other=0.0).to(tl.float32)
            c = tl.load(start[:, None] + columns[None, :], mask=inside, other=0.0)
            difference = tl.where(inside, c - p[None, :], 0.0)
            total += difference * difference
        tl.store(own + rows, tl.sum(total, axis=1), mask=rows < slots)


@triton.jit
def added_up(partials, count, columns, BLOCK_A: tl.constexpr, BLOCK_P: tl.constexpr):
    """The sums over the first axis of float32[count, columns], in a fixed order."""
    at = tl.arange(0, BLOCK_A)
    total = tl.zeros([BLOCK_P, BLOCK_A], tl.float32)
    for first in range(0, count, BLOCK_P):
        part = first + tl.arange(0, BLOCK_P)
        inside = (part < count)[:, None] & (at < columns)[None, :]
        # Other processors wrote these: not from this one's own cache.
        total += tl.load(
            partials + part[:, None] * columns + at[None, :],
            mask=inside,
            other=0.0,
            cache_modifier=".cg",
        )
    return tl.sum(total, axis=0)


@triton.jit
def cheapest_pair(
    weights,
    square,
    row,
    filled,
    slots,
    BETA: tl.constexpr,
    FRAME: tl.constexpr,
    MOST: tl.constexpr,
    BLOCK_A: tl.constexpr,
    BLOCK_R: tl.constexpr,
):
    """The pair of least cost, lower first, the lowest rows on a tie; `slots` is the frame, which
    counts as FRAME.

    weights: int64[K]; square: float32[K, K]; row: float32[BLOCK_A], infinite at free rows.
    """
    columns = tl.arange(0, BLOCK_A)
    taken = columns < filled
    count = _tempered(tl.load(weights + columns, mask=taken, other=1), BETA, MOST)
    best = tl.full([], float("inf"), tl.float64)
    key = tl.full([], _NO_PAIR, tl.int32)
    for first_row in range(0, filled, BLOCK_R):
        rows = first_row + tl.arange(0, BLOCK_R)
        pairs = (columns[None, :] > rows[:, None]) & taken[None, :]
        row_count = _tempered(tl.load(weights + rows, mask=rows < filled, other=1), BETA, MOST)
        one, two = row_count[:, None], count[None, :]
        distance = tl.load(
            square + rows.to(tl.int64)[:, None] * slots + columns[None, :],
            mask=pairs,
            other=float("inf"),
        )
        cost = one * two / (one + two) * distance.to(tl.float64)
        least = tl.min(tl.min(cost, axis=1), axis=0)
        keys = tl.where(
            pairs & (cost == least), rows[:, None] * (slots + 1) + columns[None, :], _NO_PAIR
        )
        first = tl.min(tl.min(keys, axis=1), axis=0)
        key = tl.where(least < best, first, key)  # on a tie the earlier rows stay
        best = tl.minimum(best, least)
    cost = count * FRAME / (count + FRAME) * row.to(tl.float64)
    least = tl.min(cost, axis=0)
    with_frame = columns * (slots + 1) + slots
    first = tl.min(tl.where(cost == least, with_frame, _NO_PAIR), axis=0)
    key = tl.where((least < best) | ((least == best) & (first < key)), first, key)
    return key // (slots + 1), key % (slots + 1)


@triton.jit
def _tempered(weights, BETA: tl.constexpr, MOST: tl.constexpr):
    """weights int64, at most MOST, to the power of BETA, float64."""
    counts = tl.minimum(weights.to(tl.float64), MOST)
    if BETA != 1.0:
        counts = tl.exp2(tl.log2(counts) * BETA)
    return counts


@triton.jit
def widened(carries, values):
    """Carries int16 of values float32, as float32."""
    power = (values.to(tl.int32, bitcast=True) & _EXPONENT).to(tl.float32, bitcast=True)
    return power * carries.to(tl.float32) * _UNIT


@triton.jit
def narrowed(lost, values):
    """The reverse: at most half of a value's last bit, as int16."""
    exponent = values.to(tl.int32, bitcast=True) & _EXPONENT
    inverse = (0 - exponent + _INVERSE).to(tl.float32, bitcast=True)
    return ((inverse * lost * _FINER + _ROUNDER) - _ROUNDER).to(tl.int16)


@triton.jit
def at(values, is_there):
    """The one value of a block at the place that is there; zero if none is."""
    return tl.sum(tl.where(is_there, values, 0), axis=0)
