"""A projector of a few hundred weights; the engine's own process imports it by name."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


class TinyProjector(nn.Module):
    """Each row linearly, shifted by its first meta column."""

    scale: torch.Tensor

    def __init__(self, options: Mapping[str, Any], hidden_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(int(options["channels"]), hidden_size)
        self.register_buffer("scale", torch.zeros(1))

    @staticmethod
    def tokens(meta: torch.Tensor) -> int:
        return len(meta)

    def forward(self, features: torch.Tensor, meta: torch.Tensor) -> torch.Tensor:
        shifted: torch.Tensor = self.linear(features) + self.scale * meta[:, :1]
        return shifted
