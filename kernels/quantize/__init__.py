"""Rows of floats as int8 and one scale each, for storage and transport; and back.

    scale = max|x| / 127,   code = round(x / scale),   x ≈ scale · code.

|x − scale·code| ≤ scale/2, up to float32 rounding (10⁻⁵ of a scale), for every finite row: a
float16 scale is rounded up, never down, so that no code is cut off. A row of zeros has the scale 0
and comes back as zeros. A row with a NaN or an infinity has the scale NaN and comes back as NaN,
so that it cannot pass for a good one. With a float16 scale, magnitudes above 127·65504 = 8.3·10⁶
are cut off there.
"""

import torch

from flashstream.kernels.checks import FLOATS, check, check_dtype, takes_triton
from flashstream.kernels.quantize import reference

__all__ = ["SCALES", "dequantize", "quantize"]

SCALES = (torch.float32, torch.float16)


def quantize(
    rows: torch.Tensor, scale_dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    """float32, float16 or bfloat16[N, W] → codes int8[N, W], scales[N] of `scale_dtype`.

    scale_dtype: float32 or float16. Raises MemoryShapeError for anything else.
    """
    check("rows", rows, dtypes=FLOATS, shape=("n", "W"))
    check_dtype("scale_dtype", scale_dtype, SCALES)
    if takes_triton(rows):
        from flashstream.kernels.quantize import triton

        return triton.quantize(rows, scale_dtype)
    return reference.quantize(rows, scale_dtype)


def dequantize(
    codes: torch.Tensor, scales: torch.Tensor, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Codes int8[N, W] and scales float32 or float16[N] → rows[N, W] of `dtype`.

    dtype: float32, float16 or bfloat16; the product is rounded to it once. Raises MemoryShapeError
    for anything else.
    """
    check("codes", codes, dtypes=(torch.int8,), shape=("n", "W"))
    check("scales", scales, dtypes=SCALES, shape=(codes.shape[0],), device=codes.device)
    check_dtype("dtype", dtype, FLOATS)
    if takes_triton(codes):
        from flashstream.kernels.quantize import triton

        return triton.dequantize(codes, scales, dtype)
    return reference.dequantize(codes, scales, dtype)
