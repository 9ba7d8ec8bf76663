"""uint8 frames to normalised patches at full and half resolution, in one pass over the pixels.

Only uint8 has to cross to the GPU. The values are (x/255 − mean)/std; at half resolution x is the
mean of 2×2 pixels. A patch's numbers lie in the order (channel, frame, row, column), that of a
flattened ViT (or, with two frames, Qwen2-VL) patch convolution: a matrix product with its weight
is the embedding.
"""

import torch

from flashstream.kernels.checks import FLOATS, check, check_dtype, takes_triton
from flashstream.kernels.patchify import reference
from flashstream.kernels.patchify.layout import PatchLayout

__all__ = ["PatchLayout", "patchify"]


def patchify(
    frames: torch.Tensor,
    layout: PatchLayout,
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames uint8[B, H, W, 3] → full [B/T, N, 3·T·p·p] and half [B/T, N/4, 3·T·p·p] of `dtype`.

    T = layout.frames consecutive frames make one; N = (H/p)·(W/p); T divides B, and 2·p·merge
    divides H and W. dtype: float32, float16 or bfloat16. Raises MemoryShapeError for anything else.
    """
    check("frames", frames, dtypes=(torch.uint8,), shape=("b", "H", "W", 3))
    check_dtype("dtype", dtype, FLOATS)
    layout.check(frames.shape)
    if takes_triton(frames):
        from flashstream.kernels.patchify import triton

        return triton.patchify(frames, layout, dtype)
    return reference.patchify(frames, layout, dtype)
