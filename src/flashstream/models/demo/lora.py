"""Low-rank adapters on every linear layer of the language model (LoRA, arXiv 2106.09685)."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LoraLinear(nn.Module):
    """A frozen linear layer plus B·A, in the layer's own dtype over fp32 master weights."""

    def __init__(self, base: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base
        start = torch.randn(rank, base.in_features, generator=generator)
        self.a = nn.Parameter(start / base.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """[…, in] → […, out]."""
        low = F.linear(x, self.a.to(x.dtype))
        out: Tensor = self.base(x) + F.linear(low, self.b.to(x.dtype))
        return out


def adapt(layers: nn.Module, rank: int, seed: int) -> dict[str, LoraLinear]:
    """Freeze `layers` and replace each linear layer in them; returns the adapters by name."""
    generator = torch.Generator().manual_seed(seed)
    layers.requires_grad_(False)
    adapters: dict[str, LoraLinear] = {}
    for name, child in list(_linears(layers)):
        parent_name, _, leaf = name.rpartition(".")
        adapters[name] = LoraLinear(child, rank, generator)
        setattr(layers.get_submodule(parent_name), leaf, adapters[name])
    return adapters


def merge(weights: dict[str, Tensor], lora: Mapping[str, Tensor], prefix: str) -> None:
    """Add each B·A to the weight it belongs to, in place of the entry, in fp32.

    lora: "NAME.a" [r, in] and "NAME.b" [out, r]; the weight is "{prefix}NAME.weight".
    """
    for key, a in lora.items():
        name, _, which = key.rpartition(".")
        if which != "a":
            continue
        target = f"{prefix}{name}.weight"
        base = weights[target]
        merged = base.float() + lora[f"{name}.b"].float() @ a.float()
        weights[target] = merged.to(base.dtype)


def _linears(module: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    for name, child in module.named_modules():
        if isinstance(child, nn.Linear):
            yield name, child
