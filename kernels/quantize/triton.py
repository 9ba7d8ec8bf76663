# Triton gives a kernel's arguments their types, and its constants are written in capitals.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"
# ruff: noqa: N803
"""`quantize` in Triton: one program a row, or a block of a row on the way back."""

import torch
import triton
import triton.language as tl

from flashstream.kernels.checks import on_device_of

_BLOCK = 2048
_ROUNDER = tl.constexpr(1.5 * 2.0**23)
"""Added to a float32 below 2²² and taken off again, it leaves it rounded, halves to even."""
_SMALLEST = tl.constexpr(2.0**-126)
_LARGEST_HALF = tl.constexpr(65504.0)


def quantize(rows: torch.Tensor, scale_dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """See `flashstream.kernels.quantize.quantize`."""
    count, width = rows.shape
    rows = rows if rows.stride(1) == 1 else rows.contiguous()
    codes = torch.empty((count, width), dtype=torch.int8, device=rows.device)
    scales = torch.empty(count, dtype=scale_dtype, device=rows.device)
    if count:
        with on_device_of(rows):
            _quantize[(count,)](
                rows,
                codes,
                scales,
                rows.stride(0),
                width,
                HALF=scale_dtype == torch.float16,
                BLOCK=min(_BLOCK, triton.next_power_of_2(width)),
                enable_fp_fusion=False,
            )
    return codes, scales


def dequantize(codes: torch.Tensor, scales: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """See `flashstream.kernels.quantize.dequantize`."""
    count, width = codes.shape
    codes = codes if codes.stride(1) == 1 else codes.contiguous()
    rows = torch.empty((count, width), dtype=dtype, device=codes.device)
    block = min(_BLOCK, triton.next_power_of_2(width))
    if count:
        with on_device_of(codes):
            _dequantize[(count, triton.cdiv(width, block))](
                codes,
                scales.contiguous(),
                rows,
                codes.stride(0),
                width,
                BLOCK=block,
                enable_fp_fusion=False,
            )
    return rows


@triton.jit
def _quantize(rows, codes, scales, stride, width, HALF: tl.constexpr, BLOCK: tl.constexpr):
    """rows[N, W] with `stride` between rows; codes int8[N, W] contiguous; scales[N]."""
    row = tl.program_id(0).to(tl.int64)
    largest = tl.zeros([BLOCK], tl.float32)
    poison = tl.zeros([BLOCK], tl.float32)  # zero times anything finite; NaN for the rest
    for start in range(0, width, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        x = tl.load(rows + row * stride + columns, mask=columns < width, other=0.0).to(tl.float32)
        largest = tl.maximum(largest, tl.abs(x))
        poison += x * 0.0
    most = tl.max(largest, axis=0)
    scale = tl.where(most > 0.0, tl.maximum(tl.div_rn(most, 127.0), _SMALLEST), 0.0)
    if HALF:
        scale = tl.minimum(scale, _LARGEST_HALF)
        half = scale.to(tl.float16)
        up = (half.to(tl.int16, bitcast=True) + 1).to(tl.int16).to(tl.float16, bitcast=True)
        scale = tl.where(half.to(tl.float32) < scale, up, half).to(tl.float32)
    sound = tl.sum(poison, axis=0) == 0.0
    usable = sound & (scale > 0.0)
    divisor = tl.where(usable, scale, 1.0)
    for start in range(0, width, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        # The second read of the row comes from the cache.
        x = tl.load(rows + row * stride + columns, mask=columns < width, other=0.0).to(tl.float32)
        x = tl.where(usable, x, 0.0)
        exact = tl.div_rn(x, tl.zeros([BLOCK], tl.float32) + divisor)
        code = (exact + _ROUNDER) - _ROUNDER
        code = tl.minimum(tl.maximum(code, -127.0), 127.0)
        tl.store(codes + row * width + columns, code.to(tl.int8), mask=columns < width)
    tl.store(scales + row, tl.where(sound, scale, float("nan")).to(scales.dtype.element_ty))


@triton.jit
def _dequantize(codes, scales, rows, stride, width, BLOCK: tl.constexpr):
    """codes int8[N, W] with `stride` between rows; scales[N]; rows[N, W] contiguous."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < width
    code = tl.load(codes + row * stride + columns, mask=inside, other=0).to(tl.float32)
    x = code * tl.load(scales + row).to(tl.float32)
    tl.store(rows + row * width + columns, x.to(rows.dtype.element_ty), mask=inside)
