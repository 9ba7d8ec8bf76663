"""What of a scene is new in it, by name: reads actors off what differs from the background.

A camera that stands still sees the same background for hours, and what acts before it changes some
cells of the picture. A cell's difference from the background hardly depends on what the background
is, so a thing is known by it before pictures that were never seen. A window of cells is compared,
by the cosine in a linear discriminant space, with the prototype of each name; how far the cells
differ, and whether some do not, tells whether there is anything at all.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flashstream.models.demo.pack import CELLS, GRID

_SHAPES: Final = ((3, 2), (4, 2), (3, 3), (4, 3))
WINDOWS: Final = tuple(
    (top, top + height, left, left + width)
    for height, width in _SHAPES
    for top in range(GRID + 1 - height)
    for left in range(GRID + 1 - width)
)
"""(top, bottom, left, right) of each window, in cells, the ends exclusive."""
DIMENSIONS: Final = 300  # of the discriminant space
CUES: Final = 4
DECIDED: Final = 3.0  # log odds count so many times: a half-present thing is hard to read
ENOUGH: Final = 0.0  # log change of a window beyond which more says no more
STILL: Final = -2.0  # log change of the still cells below which less says no more
STILL_SHARE: Final = 0.25  # of the cells are taken to be still where something acts
_LEAST: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Reading:
    """The likeliest name in each of V views, and the likeliest beside it, in other columns.

    names: int64[V, 2]; present: float32[V, 2], how surely it is there, 0 to 1.
    """

    names: Tensor
    present: Tensor


class ActorReader(nn.Module):
    """Names in views of a scene; all of it is fitted in closed form, see `actors`."""

    masks: Tensor
    apart: Tensor

    def __init__(self, channels: int, dimensions: int, names: int) -> None:
        super().__init__()

        def fixed(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(*shape), requires_grad=False)

        self.weight = fixed(dimensions, channels)
        self.bias = fixed(dimensions)
        self.prototypes = fixed(names, dimensions)
        self.presence = fixed(2, CUES)
        self.register_buffer("masks", _masks(), persistent=False)
        self.register_buffer("apart", _apart(), persistent=False)

    def forward(self, views: Tensor, background: Tensor) -> Reading:
        """views [V, CELLS, D], background [CELLS, D] → what is there."""
        seen, change, still = self.look(views, background)
        cosines = seen @ F.normalize(self.prototypes.float(), dim=-1).T
        best, who = cosines.amax(-1), cosines.argmax(-1)
        first, second = (cues(best, change, still[:, None]) @ self.presence.float().T).unbind(-1)
        place = first.argmax(-1)
        row = torch.arange(len(views), device=views.device)
        name = who[row, place]
        # The second is elsewhere, and is another.
        second = second.masked_fill(~self.apart[place] | (who == name[:, None]), -30.0)
        beside = second.argmax(-1)
        names = torch.stack([name, who[row, beside]], dim=-1)
        present = (DECIDED * torch.stack([first[row, place], second[row, beside]], -1)).sigmoid()
        return Reading(names, present)

    def look(self, views: Tensor, background: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(unit vectors [V, windows, dimensions], log change [V, windows], log of the still cells'
        change [V]); changes are squared distances over the background's squared length."""
        moved = views.float() - background.float()
        size = background.float().square().sum(-1).mean().clamp(min=_LEAST)
        energy = moved.square().sum(-1) / size
        masks = self.masks.to(moved.dtype)
        change = (energy @ masks.T).clamp(min=_LEAST).log()
        count = max(1, round(STILL_SHARE * CELLS))
        still = energy.sort(-1).values[:, :count].mean(-1).clamp(min=_LEAST).log()
        seen = F.linear(masks @ moved, self.weight.float(), self.bias.float())
        return F.normalize(seen, dim=-1), change, still


def cues(cosine: Tensor, change: Tensor, still: Tensor) -> Tensor:
    """[…, CUES]: the cosine, the window's change, the still cells' change, and 1."""
    still = (still - STILL).clamp(min=0.0).expand_as(cosine)
    return torch.stack([cosine, change.clamp(max=ENOUGH), still, torch.ones_like(cosine)], dim=-1)


def background_of(entries: Tensor, weights: Tensor) -> Tensor:
    """The cells [CELLS, D] that a stream showed most of its time: of each number, the median over
    entries [E, CELLS, D], each counted by its weight [E]."""
    # Entries last: each number's values lie side by side, and are sorted in half the time.
    values, order = entries.float().flatten(1).T.contiguous().sort(-1)
    share = weights.float()[order].cumsum(-1)
    at = (share < 0.5 * share[:, -1:]).sum(-1, keepdim=True).clamp(max=len(entries) - 1)
    return values.gather(-1, at).view(entries.shape[1:])


def _masks() -> Tensor:
    """[windows, CELLS]: the mean over each window's cells."""
    out = torch.zeros(len(WINDOWS), GRID, GRID)
    for number, (top, bottom, left, right) in enumerate(WINDOWS):
        out[number, top:bottom, left:right] = 1.0 / ((bottom - top) * (right - left))
    return out.reshape(len(WINDOWS), CELLS)


def _apart() -> Tensor:
    """bool[windows, windows]: whether two share no column."""
    left = torch.tensor([window[2] for window in WINDOWS])
    right = torch.tensor([window[3] for window in WINDOWS])
    return (right[:, None] <= left[None]) | (right[None] <= left[:, None])
