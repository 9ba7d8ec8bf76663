# Triton gives a kernel's arguments their types, and its constants are written in capitals.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"
# ruff: noqa: N803
"""`nearest` in Triton: one program a slot."""

import torch
import triton
import triton.language as tl

from flashstream.kernels.checks import on_device_of

_BLOCK_W = 512
_TILE = 4096  # numbers of candidates held at once
_NONE = tl.constexpr(2**31 - 1)


def nearest(
    candidates: torch.Tensor, valid: torch.Tensor, centroids: torch.Tensor, best: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `flashstream.kernels.nearest.nearest`."""
    streams, slots, many, width = candidates.shape
    candidates = candidates if candidates.stride(3) == 1 else candidates.contiguous()
    device = candidates.device
    indices = torch.empty((streams, slots, best), dtype=torch.int32, device=device)
    distances = torch.empty((streams, slots, best), dtype=torch.float32, device=device)
    block_m = triton.next_power_of_2(many)
    block_w = max(16, min(_BLOCK_W, _TILE // block_m, triton.next_power_of_2(width)))
    if streams:
        with on_device_of(candidates):
            _nearest[(streams * slots,)](
                candidates,
                valid.contiguous(),
                centroids.contiguous(),
                indices,
                distances,
                candidates.stride(0),
                candidates.stride(1),
                candidates.stride(2),
                slots,
                many,
                width,
                BEST=best,
                BLOCK_M=block_m,
                BLOCK_W=block_w,
                enable_fp_fusion=False,  # the same on every version of Triton
            )
    return indices, distances


@triton.jit
def _nearest(
    candidates,
    valid,
    centroids,
    indices,
    distances,
    stream_stride,
    slot_stride,
    candidate_stride,
    slots,
    many,
    width,
    BEST: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_W: tl.constexpr,
):
    """candidates[S, K, M, W] by strides; all others contiguous."""
    at = tl.program_id(0).to(tl.int64)
    stream, slot = at // slots, at % slots
    m = tl.arange(0, BLOCK_M)
    left = tl.load(valid + at * many + m, mask=m < many, other=0) != 0
    start = candidates + stream * stream_stride + slot * slot_stride
    start += m.to(tl.int64) * candidate_stride
    total = tl.zeros([BLOCK_M, BLOCK_W], tl.float32)
    for first in range(0, width, BLOCK_W):
        columns = first + tl.arange(0, BLOCK_W)
        inside = left[:, None] & (columns < width)[None, :]
        x = tl.load(start[:, None] + columns[None, :], mask=inside, other=0.0).to(tl.float32)
        c = tl.load(centroids + at * width + columns, mask=columns < width, other=0.0)
        difference = tl.where(inside, x - c[None, :], 0.0)
        total += difference * difference
    distance = tl.sum(total, axis=1)
    distance = tl.where(left & (distance < float("inf")), distance, float("inf"))
    for place in range(BEST):
        least = tl.min(tl.where(left, distance, float("inf")), axis=0)
        chosen = tl.min(tl.where(left & (distance == least), m, _NONE), axis=0)
        tl.store(indices + at * BEST + place, tl.where(chosen == _NONE, -1, chosen))
        tl.store(distances + at * BEST + place, least)
        left = left & (m != chosen)
