"""The candidates of each slot that are nearest to its centroid (design §4, bounded retrieval).

Squared distances are summed from differences in float32: the expanded form ‖a‖² − 2a·b + ‖b‖²
loses all digits where a candidate is near its centroid, which is where they matter. Nearest first;
on a tie the older candidate, which is the lower index, comes first. A distance that is not finite
counts as infinite: such a candidate comes after all others, but before missing ones.
"""

import torch

from flashstream.kernels.checks import FLOATS, check, check_range, takes_triton
from flashstream.kernels.nearest import reference

__all__ = ["nearest"]


def nearest(
    candidates: torch.Tensor, valid: torch.Tensor, centroids: torch.Tensor, best: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The `best` nearest valid candidates of each of K slots of S streams.

    candidates: float32, float16 or bfloat16[S, K, M, W]; valid: bool[S, K, M], those that are
    there, the others are never read; centroids: float32[S, K, W]; best: 1 to M.
    Returns indices int32[S, K, best] into M, -1 where there are no more, and squared distances
    float32[S, K, best], infinite there. Raises MemoryShapeError for anything else.
    """
    check("candidates", candidates, dtypes=FLOATS, shape=("s", "K", "M", "W"))
    streams, slots, many, width = candidates.shape
    device = candidates.device
    shape = (streams, slots, many)
    check("valid", valid, dtypes=(torch.bool,), shape=shape, device=device)
    shape = (streams, slots, width)
    check("centroids", centroids, dtypes=(torch.float32,), shape=shape, device=device)
    check_range("best", best, 1, many)
    if takes_triton(candidates):
        from flashstream.kernels.nearest import triton

        return triton.nearest(candidates, valid, centroids, best)
    return reference.nearest(candidates, valid, centroids, best)
