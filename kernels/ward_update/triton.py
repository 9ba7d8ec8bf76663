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

from flashstream.kernels.checks import on_device_of
from flashstream.kernels.ward_update.choose import choose
from flashstream.kernels.ward_update.merge import merge
from flashstream.kernels.ward_update.state import WardState, WardStep
from flashstream.memory_store.weighing import Weighing

_SLICE = 2048
_BLOCK_W = 128
_BLOCK_K = 32
_BLOCK_C = 1024  # columns of one row at once
_BLOCK_P = 16  # partial sums added at once
_BLOCK_R = 8  # rows of costs compared at once
_ANY_WEIGHT = 2.0**63


def ward_update(
    state: WardState,
    frames: torch.Tensor,
    times: torch.Tensor,
    weighing: Weighing,
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
        choose[(streams, splits)](
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
            BETA=float(weighing.temper),
            FRAME=weighing.frame,
            MOST=min(float(weighing.saturation), _ANY_WEIGHT),
            BLOCK_R=_BLOCK_R,
            **blocks,
            enable_fp_fusion=False,  # the same bits as the reference's
        )
        merge[(streams, splits)](
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
