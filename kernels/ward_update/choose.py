# Triton gives a kernel's arguments their types, and its constants are written in capitals.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"
# ruff: noqa: N803
"""The first launch of `ward_update`: distances to the frame, the pair, and the book-keeping."""

import triton
import triton.language as tl

from flashstream.kernels.ward_update.parts import added_up, at, cheapest_pair, measure


@triton.jit
def choose(
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
    MOST: tl.constexpr,
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
    measure(
        own,
        centroids + stream * slots * width,
        frame,
        split,
        filled,
        slots,
        width,
        SLICE,
        BLOCK_W,
        BLOCK_K,
    )

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
            weights + stream * slots,
            square,
            row,
            filled,
            slots,
            BETA,
            FRAME,
            MOST,
            BLOCK_A,
            BLOCK_R,
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
