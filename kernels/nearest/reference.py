"""The specification of `nearest`, in torch."""

import torch


def nearest(
    candidates: torch.Tensor, valid: torch.Tensor, centroids: torch.Tensor, best: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `flashstream.kernels.nearest.nearest`."""
    difference = candidates.float() - centroids[:, :, None]
    distances = (difference * difference).sum(-1)
    distances = distances.masked_fill(~(valid & torch.isfinite(distances)), torch.inf)
    order = distances.argsort(dim=-1, stable=True)
    # A second stable sort, so that a valid candidate at infinity precedes those that are missing.
    there = valid.gather(-1, order)
    order = order.gather(-1, there.logical_not().byte().argsort(dim=-1, stable=True))[..., :best]
    missing = ~valid.gather(-1, order)
    return order.masked_fill(missing, -1).int(), distances.gather(-1, order)
