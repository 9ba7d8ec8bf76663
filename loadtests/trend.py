"""Whether a series grows: its slope, with an interval that knows of slow waves in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from flashstream.errors import InvalidRequestError

BLOCKS: Final = 12
_T_95: Final = 2.2281388519649385
"""Student's t at 0.975 with BLOCKS − 2 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Change an hour, with its 95 % interval, and the mean of the series."""

    slope: float
    low: float
    high: float
    mean: float

    @property
    def flat(self) -> bool:
        """Whether zero is in the interval."""
        return self.low <= 0.0 <= self.high

    def row(self) -> dict[str, float | bool | str]:
        """As it is told."""
        return {
            "slope_per_hour": self.slope,
            "low": self.low,
            "high": self.high,
            "mean": self.mean,
            "flat": self.flat,
        }


def trend(times_s: Sequence[float], values: Sequence[float]) -> Trend:
    """Least squares through the means of BLOCKS stretches of equal length.

    Neighbouring readings are alike (memory that is given back late, questions that queue), which
    makes the usual interval far too narrow; means over stretches much longer than such waves are
    nearly independent. Raises `InvalidRequestError` if a stretch has no reading.
    """
    t, y = np.asarray(times_s, np.float64), np.asarray(values, np.float64)
    if len(t) < BLOCKS:
        raise InvalidRequestError(f"a trend takes {BLOCKS} readings or more, not {len(t)}")
    edges = np.linspace(t.min(), t.max(), BLOCKS + 1)
    block = np.clip(np.searchsorted(edges, t, "right") - 1, 0, BLOCKS - 1)
    counts = np.bincount(block, minlength=BLOCKS)
    if not counts.all():
        raise InvalidRequestError("the readings leave a gap that is too long for a trend")
    hours = np.bincount(block, t, BLOCKS) / counts / 3600.0
    means = np.bincount(block, y - y[0], BLOCKS) / counts  # a constant is exactly flat
    centred = hours - hours.mean()
    slope = float(centred @ means / (centred @ centred))
    residuals = means - means.mean() - slope * centred
    error = float(np.sqrt(residuals @ residuals / (BLOCKS - 2) / (centred @ centred)))
    return Trend(slope, slope - _T_95 * error, slope + _T_95 * error, float(y.mean()))


def fitted(times_s: Sequence[float], values: Sequence[float]) -> dict[str, float | bool | str]:
    """A trend's row; where there is none, not flat and why: one figure's gap costs no other."""
    try:
        return trend(times_s, values).row()
    except InvalidRequestError as failure:
        return {"flat": False, "why": failure.message}
