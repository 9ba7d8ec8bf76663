"""How an actor moves: where it is at a moment, in closed form."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Action = Literal["stand", "pace", "cross"]
Side = Literal["left", "right"]
Floats = NDArray[np.float64]

PACE_PERIOD_S = 12.0


@dataclass(frozen=True, slots=True)
class Path:
    """From a side into the picture, and out of it.

    enter_s, leave_s: the moments at which it is wholly outside. x, y: its place (centre) while it
    is there, in shares of the picture's width and height; half_width: of itself, in the same
    unit. walk_s: how long it takes from outside to its place, and back out. reach: how far from
    its place it paces to either side.
    """

    action: Action
    came_from: Side
    left_to: Side
    enter_s: float
    leave_s: float
    x: float
    y: float
    half_width: float
    walk_s: float = 3.0
    reach: float = 0.0

    def x_at(self, time_s: float | Floats) -> Floats:
        """The centre, 0 at the left edge and 1 at the right; beyond them before and after."""
        t = np.asarray(time_s, np.float64)
        start, end = self._outside(self.came_from), self._outside(self.left_to)
        if self.action == "cross":
            return np.interp(t, (self.enter_s, self.leave_s), (start, end))
        arrived, departs = self.enter_s + self.walk_s, self.leave_s - self.walk_s
        known = (self.enter_s, arrived, departs, self.leave_s)
        x = np.interp(t, known, (start, self.x, self.x, end))
        if self.action == "pace":
            # Eased at both ends, so that pacing begins and ends at the actor's place.
            ease = np.interp(t, (arrived, arrived + 1, departs - 1, departs), (0, 1, 1, 0))
            turns = 2 * np.abs(2 * (((t - arrived) / PACE_PERIOD_S + 0.25) % 1) - 1) - 1
            x = x - ease * self.reach * turns
        return np.asarray(x, np.float64)

    def share_at(self, time_s: float | Floats) -> Floats:
        """How much of the actor's width is inside the picture, 0 to 1."""
        x, half = self.x_at(time_s), self.half_width
        inside = np.minimum(x + half, 1.0) - np.maximum(x - half, 0.0)
        return np.asarray(np.clip(inside / (2 * half), 0.0, 1.0), np.float64)

    def _outside(self, side: Side) -> float:
        return -self.half_width if side == "left" else 1 + self.half_width
