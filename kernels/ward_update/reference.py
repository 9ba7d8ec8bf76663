"""The specification of `ward_update`, in torch: all streams at once, no value read by the host."""

import torch

from flashstream.kernels.ward_update.state import WardState, WardStep
from flashstream.memory_store.weighing import PAPERS, Weighing

_EXPONENT = 0x7F80_0000  # of a float32; these bits alone are the power of two below it
_UNIT = 2.0**-38  # of a carry, where the value is in [1, 2): 2⁻¹⁵ of its last bit


def ward_update(
    state: WardState,
    frames: torch.Tensor,
    times: torch.Tensor,
    weighing: Weighing = PAPERS,
) -> WardStep:
    """See `flashstream.kernels.ward_update.ward_update`."""
    streams, slots, _ = state.centroids.shape
    device = state.centroids.device
    every = torch.arange(streams, device=device)
    rows = torch.arange(slots, device=device)
    frames = frames.float()
    taken = rows < state.used[:, None]  # [S, K]
    row = squared_norms(state.centroids - frames[:, None])
    row = torch.where(taken, row, torch.inf)
    sound = torch.isfinite(frames).all(1) & torch.isfinite(times)
    sound &= (torch.isfinite(row) | ~taken).all(1)
    full = sound & (state.used == slots)

    low, high = cheapest_pair(state.weights, state.squared, row, weighing)
    weights = torch.cat([state.weights, torch.ones_like(state.weights[:, :1])], 1)
    with_frame = high == slots
    keeps_low = weights[every, low] >= weights[every, high]  # as always with the frame
    into = torch.where(keeps_low, low, high)
    other = torch.where(keeps_low, high, low)
    fresh = torch.where(full, torch.where(with_frame, -1, other), state.used.long())
    fresh = torch.where(sound, fresh, -1)
    into = torch.where(full, into, -1)

    # The weighted mean; where nothing merges, row 0 is computed and thrown away.
    i, o = into.clamp(min=0), other.clamp(max=slots - 1)
    total = weights[every, i] + weights[every, other]
    share = weights[every, other].double() / total.double()
    of_frame = with_frame[:, None]
    other_value = torch.where(of_frame, frames, state.centroids[every, o])
    other_carry = state.carries[every, o].masked_fill(of_frame, 0)
    mean, carry = merged(
        state.centroids[every, i], state.carries[every, i], other_value, other_carry, share.float()
    )
    other_mean_s = torch.where(with_frame, times, state.mean_s[every, o])
    mean_s = state.mean_s[every, i] + (other_mean_s - state.mean_s[every, i]) * share
    other_first = torch.where(with_frame, times, state.first_s[every, o])
    other_last = torch.where(with_frame, times, state.last_s[every, o])
    first_s = torch.minimum(state.first_s[every, i], other_first)
    last_s = torch.maximum(state.last_s[every, i], other_last)

    at_into = rows == into[:, None]  # [S, K]
    at_fresh = rows == fresh[:, None]

    def settle(tensor: torch.Tensor, merged_value: torch.Tensor, fresh_value: torch.Tensor) -> None:
        deep = (...,) + (None,) * (tensor.dim() - 2)
        new = torch.where(at_into[deep], merged_value[:, None], tensor)
        tensor.copy_(torch.where(at_fresh[deep], fresh_value[:, None], new))

    settle(state.centroids, mean, frames)
    settle(state.carries, carry, torch.zeros_like(carry))
    settle(state.weights, total, torch.ones_like(total))
    settle(state.first_s, first_s, times)
    settle(state.mean_s, mean_s, times)
    settle(state.last_s, last_s, times)
    state.used.add_((sound & ~full).int())

    remeasured = squared_norms(state.centroids - state.centroids[every, i][:, None])
    for at, distances in ((at_fresh, row), (at_into, remeasured)):
        known = at[:, :, None] & taken[:, None]
        square = torch.where(known, distances[:, None], state.squared)
        state.squared.copy_(torch.where(known.transpose(1, 2), distances[:, :, None], square))
    state.squared.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    return WardStep(
        home=torch.where(fresh >= 0, fresh, into).int(),
        merged=into.int(),
        pair=torch.where(full[:, None], torch.stack([low, high], 1), -1).int(),
    )


def cheapest_pair(
    weights: torch.Tensor,
    squared: torch.Tensor,
    row: torch.Tensor,
    weighing: Weighing,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The pair of least cost, lower first, int64[S] each; K stands for the frame.

    row: float32[S, K], the frame's squared distances.
    """
    slots = row.shape[1]
    points = torch.nn.functional.pad(squared.double(), (0, 1, 0, 1), value=torch.inf)
    points[:, :slots, slots] = row.double()
    counts = weights.clamp(min=1).double().clamp(max=weighing.saturation) ** weighing.temper
    counts = torch.nn.functional.pad(counts, (0, 1), value=weighing.frame)
    one, two = counts[:, :, None], counts[:, None]
    # Above the diagonal, so the first minimum has the lowest rows: ties are settled.
    lower = torch.ones_like(points, dtype=torch.bool).tril()
    cost = (one * two / (one + two) * points).masked_fill(lower, torch.inf)
    least = cost.flatten(1).argmin(1)
    return least // (slots + 1), least % (slots + 1)


def merged(
    into: torch.Tensor,
    into_carry: torch.Tensor,
    other: torch.Tensor,
    other_carry: torch.Tensor,
    share: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(1 − share)·into + share·other, and what rounding took from it (two-sum, Knuth).

    into, other: float32[S, W]; their carries: int16[S, W]; share: float32[S].
    """
    carried = widened(into_carry, into)
    step = other - into + widened(other_carry, other) - carried
    step = step * share[:, None] + carried
    mean = into + step
    moved = mean - into
    lost = (step - moved) + (into - (mean - moved))
    return mean, narrowed(lost, mean)


def widened(carries: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Carries int16 of values float32, as float32."""
    power = (values.view(torch.int32) & _EXPONENT).view(torch.float32)
    return power * carries * _UNIT


def narrowed(lost: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """The reverse: at most half of a value's last bit, as int16."""
    inverse = (0x7F00_0000 - (values.view(torch.int32) & _EXPONENT)).view(torch.float32)
    return (inverse * lost / _UNIT).round().to(torch.int16)


def squared_norms(vectors: torch.Tensor) -> torch.Tensor:
    """float32[…, W] → float32[…]."""
    return (vectors * vectors).sum(-1)
