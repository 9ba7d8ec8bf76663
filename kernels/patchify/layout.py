"""How a model cuts its pictures into patches."""

from dataclasses import dataclass

import torch

from flashstream.errors import MemoryShapeError
from flashstream.kernels.checks import check_range


@dataclass(frozen=True, slots=True)
class PatchLayout:
    """Patches of `patch`×`patch` pixels of `frames` frames each.

    mean, std: of the channels red, green, blue, for pixels in 0…1.
    frames: consecutive frames in one patch; 2 for Qwen2-VL.
    merge: patches come in blocks of merge×merge, row by row within a block and block by block;
    1 is plain row order, 2 is what Qwen2-VL's merger expects.
    Raises MemoryShapeError for a number out of range.
    """

    patch: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    frames: int = 1
    merge: int = 1

    def __post_init__(self) -> None:
        check_range("patch", self.patch, 1, 256)
        check_range("frames", self.frames, 1, 16)
        check_range("merge", self.merge, 1, 16)
        for channel in self.std:
            check_range("std", channel, 1e-6, 1e6)

    @property
    def numbers(self) -> int:
        """Of one patch."""
        return 3 * self.frames * self.patch**2

    @property
    def scale(self) -> tuple[float, float, float]:
        """By channel, with `shift`: (x/255 − mean)/std = x·scale + shift."""
        red, green, blue = (1 / (255 * std) for std in self.std)
        return red, green, blue

    @property
    def shift(self) -> tuple[float, float, float]:
        red, green, blue = (-mean / std for mean, std in zip(self.mean, self.std, strict=True))
        return red, green, blue

    def check(self, shape: torch.Size) -> None:
        """Refuse frames [B, H, W, 3] that cannot be cut up so. Raises MemoryShapeError."""
        many, height, width, _ = shape
        if many % self.frames:
            raise MemoryShapeError(f"{many} frames are given; a multiple of {self.frames} is taken")
        unit = 2 * self.patch * self.merge
        if height % unit or width % unit:
            raise MemoryShapeError(
                f"frames are {height}×{width} pixels; multiples of {unit} are taken, twice the "
                f"patch of {self.patch} by the merge of {self.merge}"
            )
