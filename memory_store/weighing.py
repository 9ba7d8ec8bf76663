"""How frames count in the Ward cost."""

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import SettingError


@dataclass(frozen=True, slots=True)
class Weighing:
    """Bends the cost, and nothing else: means and weights stay true. The defaults leave the cost
    as it is in the papers' objective.

    foresight (r): the newest frame counts as r frames. The exact step is the best for one frame,
        but a stream goes on: a frame that a heavy slot absorbs is paid for again by each frame
        after it that looks the same. With r the pair is the optimum of the objective in which r
        frames like the newest are there.
    saturation: a slot of more frames counts as one of so many: more of the same matters no more.
    temper (β): a slot that counts as w frames weighs w^β. With a smaller β heavy slots merge more
        easily, and what was seen once is kept longer.

    Raises SettingError for numbers outside what is accepted.
    """

    temper: float = 1.0
    foresight: float = 1.0
    saturation: float = inf

    def __post_init__(self) -> None:
        if not 0 <= self.temper <= 1:
            raise SettingError(f"temper is {self.temper}; 0 to 1 is accepted", key="temper")
        if not (self.foresight >= 1 and isfinite(self.foresight)):
            raise SettingError(
                f"foresight is {self.foresight}; a finite number from 1 is accepted",
                key="foresight",
            )
        if not self.saturation >= 1:
            raise SettingError(
                f"saturation is {self.saturation}; a number from 1 is accepted", key="saturation"
            )

    @property
    def frame(self) -> float:
        """What the newest frame weighs in the cost."""
        return float(self.foresight**self.temper)

    def slots(self, weights: NDArray[np.int64]) -> NDArray[np.float64]:
        """What slots of so many frames weigh in the cost: int64[S] → float64[S]."""
        counts = np.minimum(weights, self.saturation).astype(np.float64)
        return counts if self.temper == 1 else counts**self.temper


PAPERS = Weighing()
"""The papers' objective as it is."""
