"""The specification of `quantize`, in torch."""

import torch

_LARGEST_HALF = 65504.0
_SMALLEST = 2.0**-126  # normal float32: what is below would lose the scale's precision


def quantize(rows: torch.Tensor, scale_dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """See `flashstream.kernels.quantize.quantize`."""
    x = rows.float()
    largest = x.abs().amax(dim=1)
    # Not by a number: torch on a GPU would multiply by its rounded reciprocal.
    scale = largest / torch.full_like(largest, 127.0)
    scale = torch.where(largest > 0, scale.clamp(min=_SMALLEST), 0.0)
    if scale_dtype == torch.float16:
        scale = scale.clamp(max=_LARGEST_HALF)
        half = scale.half()
        up = (half.view(torch.int16) + 1).view(torch.float16)
        scale = torch.where(half.float() < scale, up, half).float()
    finite = torch.isfinite(x).all(dim=1)
    scale = torch.where(finite, scale, torch.nan)
    usable = (scale > 0)[:, None]
    codes = torch.where(usable, x / torch.where(scale > 0, scale, 1.0)[:, None], 0.0)
    return codes.round().clamp(-127, 127).to(torch.int8), scale.to(scale_dtype)


def dequantize(codes: torch.Tensor, scales: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """See `flashstream.kernels.quantize.dequantize`."""
    return (codes.float() * scales.float()[:, None]).to(dtype)
