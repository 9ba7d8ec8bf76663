"""One frame into each of S streams' memories at once: the exact step of least Ward cost.

The K slots of a memory and the new frame are K+1 points. If all K rows are taken, the pair of
least cost e_i·e_j/(e_i+e_j)·‖c_i − c_j‖² merges, with ties to the lowest rows, the frame last; the
heavier slot (the lower row, if equal) keeps its row, and the other's row takes the frame. In the
cost slots and the frame count as a `Weighing` says. If a row is free, the frame takes the next one.

A frame that is not finite, whose time is not finite, or whose squared distance to a slot is beyond
float32 is refused: that memory stays as it is, and the others go on. A stream that has no frame
this time is given one of NaN.
"""

import torch

from flashstream.kernels.checks import FLOATS, check, takes_triton
from flashstream.kernels.ward_update import reference
from flashstream.kernels.ward_update.state import WardState, WardStep
from flashstream.memory_store.weighing import PAPERS, Weighing

__all__ = ["WardState", "WardStep", "ward_update"]


def ward_update(
    state: WardState,
    frames: torch.Tensor,
    times: torch.Tensor,
    weighing: Weighing = PAPERS,
) -> WardStep:
    """Take in one frame for each stream; `state` is changed in place.

    frames: float32, float16 or bfloat16[S, W]. times: float64[S], seconds.
    Raises MemoryShapeError, the state untouched, if a tensor has another type, shape or device.
    """
    state.check()
    streams, _, width = state.centroids.shape
    device = state.centroids.device
    check("frames", frames, dtypes=FLOATS, shape=(streams, width), device=device)
    check("times", times, dtypes=(torch.float64,), shape=(streams,), device=device)
    if takes_triton(state.centroids):
        from flashstream.kernels.ward_update import triton

        return triton.ward_update(state, frames, times, weighing)
    return reference.ward_update(state, frames, times, weighing)
