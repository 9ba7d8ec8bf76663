# Triton gives a kernel's arguments their types, and its constants are written in capitals.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"
# ruff: noqa: N803
"""`ward_update` in Triton: two launches, each a grid of streams × slices of W.

1. Each program measures the frame's distances over its slice; the last of a stream adds them up,
   chooses the pair and does the book-keeping.
2. Each program merges its slice and measures the merged row over it; the last of a stream adds
   them up.

A slice is as wide for one stream as for a thousand, and partial sums are added in order, so that
the same frames give the same memory whatever else is in the batch.
"""

import torch
import triton
import triton.language as tl

from flashstream.kernels.checks import on_device_of
from flashstream.kernels.ward_update.parts import added_up, at, cheapest_pair, narrowed, widened
from flashstream.kernels.ward_update.state import WardState, WardStep

_SLICE = 2048
_BLOCK_W = 128
_BLOCK_K = 32
_BLOCK_C = 1024  # columns of one row at once
_BLOCK_P = 16  # partial sums added at once
_BLOCK_R = 8  # rows of costs compared at once


def ward_update(
    state: WardState,
    frames: torch.Tensor,
    times: torch.Tensor,
    beta: float,
    foresight: float,
) -> WardStep:
    """See `flashstream.kernels.ward_update.ward_update`."""
    streams, slots, width = state.centroids.shape
    device = state.centroids.device
    frames = frames if frames.stride(1) == 1 else frames.contiguous()
    slice_width = min(_SLICE, triton.next_power_of_2(width))
    splits = triton.cdiv(width, slice_width)
    step = WardStep.empty(streams, device)
    partials = torch.empty((streams, splits, slots + 1), dtype=torch.float32, device=device)
    shares = torch.empty(streams, dtype=torch.float32, device=device)
    blocks = {
        "SLICE": slice_width,
        "BLOCK_W": min(_BLOCK_W, slice_width),
        "BLOCK_C": min(_BLOCK_C, slice_width),
        "BLOCK_K": min(_BLOCK_K, triton.next_power_of_2(slots)),
        "BLOCK_A": triton.next_power_of_2(slots + 1),
        "BLOCK_P": _BLOCK_P,
    }
    with on_device_of(frames):
        _choose[(streams, splits)](
            state.centroids,
            frames,
            times.contiguous(),
            state.weights,
            state.first_s,
            state.mean_s,
            state.last_s,
            state.squared,
            state.used,
            state.arrivals,
            partials,
            shares,
            step.home,
            step.merged,
            step.pair,
            frames.stride(0),
            slots,
            width,
            splits,
            BETA=float(beta),
            FRAME=float(foresight) ** float(beta),
            BLOCK_R=_BLOCK_R,
            **blocks,
            enable_fp_fusion=False,  # the same bits as the reference's
        )
        _merge[(streams, splits)](
            state.centroids,
            state.carries,
            frames,
            state.squared,
            state.arrivals,
            partials,
            shares,
            step.home,
            step.merged,
            frames.stride(0),
            slots,
            width,
            splits,
            **blocks,
            enable_fp_fusion=False,
        )
    return step


@triton.jit
def _choose(
    centroids,
    frames,
    times,
    weights,
    first_s,
    mean_s,
    last_s,
    squared,
    used,
    arrivals,
    partials,
    shares,
    home,
    merged,
    pair,
    frame_stride,
    slots,
    width,
    splits,
    BETA: tl.constexpr,
    FRAME: tl.constexpr,
    BLOCK_R: tl.constexpr,
    SLICE: tl.constexpr,
    BLOCK_W: tl.constexpr,
    BLOCK_C: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_A: tl.constexpr,
    BLOCK_P: tl.constexpr,
):
    """partials: float32[S, splits, K+1], the last column zero where the slice is finite."""
    stream = tl.program_id(0).to(tl.int64)
    split = tl.program_id(1)
    filled = tl.load(used + stream)
    frame = frames + stream * frame_stride
    own = partials + (stream * splits + split) * (slots + 1)

    poison = tl.zeros([BLOCK_C], tl.float32)
    for offset in range(0, SLICE, BLOCK_C):
        columns = split * SLICE + offset + tl.arange(0, BLOCK_C)
        f = tl.load(frame + columns, mask=columns < width, other=0.0).to(tl.float32)
        poison += f * 0.0
    tl.store(own + slots, tl.sum(poison, axis=0))
    for first_row in range(0, slots, BLOCK_K):
        rows = first_row + tl.arange(0, BLOCK_K)
        start = centroids + (stream * slots + rows) * width
        total = tl.zeros([BLOCK_K, BLOCK_W], tl.float32)
        for offset in range(0, SLICE, BLOCK_W):
            columns = split * SLICE + offset + tl.arange(0, BLOCK_W)
            inside = (rows < filled)[:, None] & (columns < width)[None, :]
            f = tl.load(frame + columns, mask=columns < width, other=0.0).to(tl.float32)
            c = tl.load(start[:, None] + columns[None, :], mask=inside, other=0.0)
            difference = tl.where(inside, c - f[None, :], 0.0)
            total += difference * difference
        tl.store(own + rows, tl.sum(total, axis=1), mask=rows < slots)

    tl.debug_barrier()  # all threads have written before one of them says so
    arrived = tl.atomic_add(arrivals + stream * 2, 1, sem="acq_rel")
    if arrived == splits - 1:
        tl.store(arrivals + stream * 2, 0)
        rows = tl.arange(0, BLOCK_A)
        taken = rows < filled
        row = added_up(
            partials + stream * splits * (slots + 1), splits, slots + 1, BLOCK_A, BLOCK_P
        )
        time = tl.load(times + stream)
        sound = (at(row, rows == slots) == 0.0) & (time * 0.0 == 0.0)
        sound = sound & (tl.max(tl.where(taken, row, 0.0), axis=0) < float("inf"))
        row = tl.where(taken, row, float("inf"))
        at_row = stream * slots + rows
        weight = tl.load(weights + at_row, mask=taken, other=1)
        square = squared + stream * slots * slots
        low, high = cheapest_pair(
            weights + stream * slots, square, row, filled, slots, BETA, FRAME, BLOCK_A, BLOCK_R
        )
        low_weight = at(weight, rows == low)
        high_weight = at(weight, rows == high)  # row K, the frame, weighs 1
        full = sound & (filled == slots)
        with_frame = high == slots
        keeps_low = low_weight >= high_weight  # as always with the frame
        into = tl.where(full, tl.where(keeps_low, low, high), -1)
        other = tl.where(keeps_low, high, low)
        fresh = tl.where(full, tl.where(with_frame, -1, other), filled)
        fresh = tl.where(sound, fresh, -1)
        both = low_weight + high_weight
        share = tl.where(keeps_low, high_weight, low_weight).to(tl.float64) / both.to(tl.float64)

        first = tl.load(first_s + at_row, mask=taken, other=0.0)
        mean = tl.load(mean_s + at_row, mask=taken, other=0.0)
        last = tl.load(last_s + at_row, mask=taken, other=0.0)
        into_mean = at(mean, rows == into)
        other_first = tl.where(with_frame, time, at(first, rows == other))
        other_mean = tl.where(with_frame, time, at(mean, rows == other))
        other_last = tl.where(with_frame, time, at(last, rows == other))
        is_fresh = rows == fresh
        changed = is_fresh | (rows == into)
        first = tl.where(is_fresh, time, tl.minimum(first, other_first))
        last = tl.where(is_fresh, time, tl.maximum(last, other_last))
        mean = tl.where(is_fresh, time, into_mean + (other_mean - into_mean) * share)
        tl.debug_barrier()  # all threads have read what is written now
        tl.store(weights + at_row, tl.where(is_fresh, 1, both), mask=changed)
        tl.store(first_s + at_row, first, mask=changed)
        tl.store(mean_s + at_row, mean, mask=changed)
        tl.store(last_s + at_row, last, mask=changed)
        # The second launch measures the merged row again.
        measured = (rows < tl.where(fresh >= 0, filled, 0)) & (rows != fresh)
        tl.store(square + fresh.to(tl.int64) * slots + rows, row, mask=measured)
        tl.store(square + rows.to(tl.int64) * slots + fresh, row, mask=measured)
        tl.store(used + stream, filled + (sound & (filled < slots)).to(tl.int32))
        tl.store(shares + stream, share.to(tl.float32))
        tl.store(home + stream, tl.where(fresh >= 0, fresh, into))
        tl.store(merged + stream, into)
        tl.store(pair + stream * 2, tl.where(full, low, -1))
        tl.store(pair + stream * 2 + 1, tl.where(full, high, -1))


@triton.jit
def _merge(
    centroids,
    carries,
    frames,
    squared,
    arrivals,
    partials,
    shares,
    home,
    merged,
    frame_stride,
    slots,
    width,
    splits,
    SLICE: tl.constexpr,
    BLOCK_W: tl.constexpr,
    BLOCK_C: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_A: tl.constexpr,
    BLOCK_P: tl.constexpr,
):
    """partials: float32[S, splits, K+1], whose last column is not used."""
    stream = tl.program_id(0).to(tl.int64)
    split = tl.program_id(1)
    into = tl.load(merged + stream)
    fresh = tl.load(home + stream)
    frame_end = tl.where(fresh >= 0, width, 0)  # a refused frame is not read
    fresh = tl.where(fresh == into, -1, fresh)
    share = tl.load(shares + stream)
    frame = frames + stream * frame_stride
    into_start = (stream * slots + into) * width
    fresh_start = (stream * slots + fresh) * width
    # Nothing at all is inside where nothing merges or no frame settles.
    merge_end = tl.where(into >= 0, width, 0)
    settle_end = tl.where(fresh >= 0, width, 0)
    for offset in range(0, SLICE, BLOCK_C):
        columns = split * SLICE + offset + tl.arange(0, BLOCK_C)
        f = tl.load(frame + columns, mask=columns < frame_end, other=0.0).to(tl.float32)
        merges = columns < merge_end
        settles = columns < settle_end
        old = tl.load(centroids + into_start + columns, mask=merges, other=0.0)
        old_carry = tl.load(carries + into_start + columns, mask=merges, other=0)
        other = tl.load(centroids + fresh_start + columns, mask=merges & settles, other=0.0)
        other = tl.where(settles, other, f)
        other_carry = tl.load(carries + fresh_start + columns, mask=merges & settles, other=0)
        carried = widened(old_carry, old)
        step = other - old + widened(other_carry, other) - carried
        step = step * share + carried
        mean = old + step
        moved = mean - old
        lost = (step - moved) + (old - (mean - moved))
        tl.debug_barrier()  # all threads have read what is written now
        tl.store(centroids + into_start + columns, mean, mask=merges)
        tl.store(carries + into_start + columns, narrowed(lost, mean), mask=merges)
        tl.store(centroids + fresh_start + columns, f, mask=settles)
        tl.store(carries + fresh_start + columns, tl.zeros([BLOCK_C], tl.int16), mask=settles)

    if into >= 0:
        tl.debug_barrier()  # the merged row is read as it is now
        own = partials + (stream * splits + split) * (slots + 1)
        for first_row in range(0, slots, BLOCK_K):
            rows = first_row + tl.arange(0, BLOCK_K)
            start = centroids + (stream * slots + rows) * width
            total = tl.zeros([BLOCK_K, BLOCK_W], tl.float32)
            for offset in range(0, SLICE, BLOCK_W):
                columns = split * SLICE + offset + tl.arange(0, BLOCK_W)
                inside = (rows < slots)[:, None] & (columns < width)[None, :]
                m = tl.load(centroids + into_start + columns, mask=columns < width, other=0.0)
                c = tl.load(start[:, None] + columns[None, :], mask=inside, other=0.0)
                difference = tl.where(inside, c - m[None, :], 0.0)
                total += difference * difference
            tl.store(own + rows, tl.sum(total, axis=1), mask=rows < slots)
        tl.debug_barrier()
        arrived = tl.atomic_add(arrivals + stream * 2 + 1, 1, sem="acq_rel")
        if arrived == splits - 1:
            tl.store(arrivals + stream * 2 + 1, 0)
            rows = tl.arange(0, BLOCK_A)
            row = added_up(
                partials + stream * splits * (slots + 1), splits, slots + 1, BLOCK_A, BLOCK_P
            )
            square = squared + stream * slots * slots
            others = (rows < slots) & (rows != into)
            tl.store(square + into.to(tl.int64) * slots + rows, row, mask=others)
            tl.store(square + rows.to(tl.int64) * slots + into, row, mask=others)
