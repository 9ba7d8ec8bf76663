"""The specification of `patchify`, in torch."""

import torch

from flashstream.kernels.patchify.layout import PatchLayout


def patchify(
    frames: torch.Tensor, layout: PatchLayout, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `flashstream.kernels.patchify.patchify`."""
    many, height, width, _ = frames.shape
    pixels = frames.float()
    halved = pixels.reshape(many, height // 2, 2, width // 2, 2, 3).mean(dim=(2, 4))
    return _cut(pixels, layout).to(dtype), _cut(halved, layout).to(dtype)


def _cut(pixels: torch.Tensor, layout: PatchLayout) -> torch.Tensor:
    """float32[B, H, W, 3] in 0…255 → float32[B/T, N, 3·T·p·p]."""
    mean = pixels.new_tensor(layout.mean)
    std = pixels.new_tensor(layout.std)
    normal = (pixels / 255 - mean) / std
    many, height, width, _ = pixels.shape
    t, m, p = layout.frames, layout.merge, layout.patch
    groups, high, wide = many // t, height // (m * p), width // (m * p)
    cut = normal.reshape(groups, t, high, m, p, wide, m, p, 3)
    #  (group, block row, block column, row in block, column in block, channel, frame, y, x)
    ordered = cut.permute(0, 2, 5, 3, 6, 8, 1, 4, 7)
    return ordered.reshape(groups, high * m * wide * m, layout.numbers)
