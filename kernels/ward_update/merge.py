# Triton gives a kernel's arguments their types, and its constants are written in capitals.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"
# ruff: noqa: N803
"""The second launch of `ward_update`: the merged row, the frame's own, and new distances."""

import triton
import triton.language as tl

from flashstream.kernels.ward_update.parts import added_up, measure, narrowed, widened


@triton.jit
def merge(
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
        measure(
            own,
            centroids + stream * slots * width,
            centroids + into_start,
            split,
            slots,
            slots,
            width,
            SLICE,
            BLOCK_W,
            BLOCK_K,
        )
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
