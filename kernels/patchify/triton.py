# Triton gives a kernel's arguments their types, and its constants are written in capitals.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"
# ruff: noqa: N803, N806
"""`patchify` in Triton: one program for 2×2 full patches, which are one half-resolution patch.

The pixels of the four are read from memory once (the second time from the cache), and each patch
is written in one piece.
"""

import torch
import triton
import triton.language as tl

from flashstream.kernels.checks import on_device_of
from flashstream.kernels.patchify.layout import PatchLayout

_BLOCK = 512


def patchify(
    frames: torch.Tensor, layout: PatchLayout, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `flashstream.kernels.patchify.patchify`."""
    many, height, width, _ = frames.shape
    if frames.stride(3) != 1 or frames.stride(2) != 3:
        frames = frames.contiguous()
    groups = many // layout.frames
    high, wide = height // (2 * layout.patch), width // (2 * layout.patch)
    shape = (groups, 4 * high * wide, layout.numbers)
    full = torch.empty(shape, dtype=dtype, device=frames.device)
    half = torch.empty((groups, high * wide, layout.numbers), dtype=dtype, device=frames.device)
    if groups:
        with on_device_of(frames):
            _patchify[(groups * high * wide,)](
                frames,
                full,
                half,
                frames.stride(0),
                frames.stride(1),
                high,
                wide,
                *layout.scale,
                *layout.shift,
                P=layout.patch,
                T=layout.frames,
                M=layout.merge,
                BLOCK=_BLOCK,
                enable_fp_fusion=False,  # the same on every version of Triton
            )
    return full, half


@triton.jit
def _patchify(
    frames,
    full,
    half,
    frame_stride,
    row_stride,
    high,
    wide,
    red_scale,
    green_scale,
    blue_scale,
    red_shift,
    green_shift,
    blue_shift,
    P: tl.constexpr,
    T: tl.constexpr,
    M: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """frames uint8[B, H, W, 3] by strides, pixels together; full, half contiguous.

    high, wide: of the half-resolution grid of patches.
    """
    NUMBERS: tl.constexpr = 3 * T * P * P
    place = tl.program_id(0).to(tl.int64)
    group = place // (high * wide)
    row = (place // wide) % high
    column = place % wide
    first_frame = frames + group * T * frame_stride

    for start in range(0, 4 * NUMBERS, BLOCK):
        number = start + tl.arange(0, BLOCK)
        inside = number < 4 * NUMBERS
        which = number // NUMBERS
        number = number % NUMBERS
        channel = number // (T * P * P)
        frame = (number // (P * P)) % T
        patch_row = 2 * row + which // 2
        patch_column = 2 * column + which % 2
        y = patch_row * P + (number // P) % P
        x = patch_column * P + number % P
        pixel = first_frame + frame.to(tl.int64) * frame_stride + y * row_stride + x * 3 + channel
        value = tl.load(pixel, mask=inside, other=0).to(tl.float32)
        scale = _of_channel(channel, red_scale, green_scale, blue_scale)
        shift = _of_channel(channel, red_shift, green_shift, blue_shift)
        patch = group * (4 * high * wide) + _index(patch_row, patch_column, 2 * wide, M)
        normal = (value * scale + shift).to(full.dtype.element_ty)
        tl.store(full + patch * NUMBERS + number, normal, mask=inside)

    patch = group * (high * wide) + _index(row, column, wide, M)
    for start in range(0, NUMBERS, BLOCK):
        number = start + tl.arange(0, BLOCK)
        inside = number < NUMBERS
        channel = number // (T * P * P)
        frame = (number // (P * P)) % T
        y = 2 * (row * P + (number // P) % P)
        x = 2 * (column * P + number % P)
        pixel = first_frame + frame.to(tl.int64) * frame_stride + y * row_stride + x * 3 + channel
        above = tl.load(pixel, mask=inside, other=0).to(tl.float32)
        above += tl.load(pixel + 3, mask=inside, other=0).to(tl.float32)
        below = tl.load(pixel + row_stride, mask=inside, other=0).to(tl.float32)
        below += tl.load(pixel + row_stride + 3, mask=inside, other=0).to(tl.float32)
        scale = _of_channel(channel, red_scale, green_scale, blue_scale)
        shift = _of_channel(channel, red_shift, green_shift, blue_shift)
        normal = ((above + below) * 0.25 * scale + shift).to(half.dtype.element_ty)
        tl.store(half + patch * NUMBERS + number, normal, mask=inside)


@triton.jit
def _index(row, column, wide, M: tl.constexpr):
    """Place of a patch in blocks of M×M, of a grid `wide` patches wide."""
    block = (row // M) * (wide // M) + column // M
    return block * (M * M) + (row % M) * M + column % M


@triton.jit
def _of_channel(channel, red, green, blue):
    return tl.where(channel == 0, red, tl.where(channel == 1, green, blue))
