"""Whether a series grows: its slope, with an interval that knows of slow waves in it."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import InvalidRequestError

BLOCKS: Final = 12
_T_95: Final = 2.2281388519649385
"""Student's t at 0.975 with BLOCKS − 2 degrees of freedom."""
_RHOS: Final = tuple(np.arange(0.0, 0.96, 0.05).tolist())


@dataclass(frozen=True, slots=True)
class Trend:
    """Change an hour, with its 95 % interval, and the mean of the series.

    rho: how alike neighbouring stretches are beside that change, from 0 to 1 (see `trend`).
    """

    slope: float
    low: float
    high: float
    mean: float
    rho: float

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
            "rho": self.rho,
            "flat": self.flat,
        }


def trend(times_s: Sequence[float], values: Sequence[float]) -> Trend:
    """A line through the means of BLOCKS stretches of equal length, whose errors are alike.

    Neighbouring readings are alike (memory that is given back late, questions that queue), which
    makes the usual interval far too narrow. Means over stretches longer than such waves are nearly
    independent; for waves of minutes they are not: each mean's error is
    taken for a part `rho` of the one before and something new, AR(1), where `rho` is what the
    readings make likeliest, not below 0 (restricted maximum likelihood: Cheang and Reinsel, Bias
    reduction of autoregressive estimates in time series regression model, JASA 95, 2000).
    Raises `InvalidRequestError` if a stretch has no reading.
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
    line = max((_line(hours, means, rho) for rho in _RHOS), key=lambda line: line.likelihood)
    half = _T_95 * line.error
    return Trend(line.slope, line.slope - half, line.slope + half, float(y.mean()), line.rho)


class _Line(NamedTuple):
    slope: float
    error: float
    rho: float
    likelihood: float  # restricted, its logarithm but for a constant


def _line(x: NDArray[np.float64], y: NDArray[np.float64], rho: float) -> _Line:
    """Generalised least squares with errors whose correlation is rho to the power of their lag."""
    n = len(x)
    likeness = np.power(rho, np.abs(np.subtract.outer(np.arange(n), np.arange(n))))
    design = np.column_stack([np.ones(n), x - x.mean()])
    weighted = np.linalg.solve(likeness, design)
    normal = design.T @ weighted
    found: NDArray[np.float64] = np.linalg.solve(normal, weighted.T @ y)
    residuals = y - design @ found
    variance = float(residuals @ np.linalg.solve(likeness, residuals)) / (n - 2)
    spread = np.linalg.slogdet(likeness)[1] + np.linalg.slogdet(normal)[1]
    likelihood = -0.5 * (float(spread) + (n - 2) * math.log(max(variance, sys.float_info.min)))
    error = math.sqrt(variance * float(np.linalg.inv(normal)[1, 1]))
    return _Line(float(found[1]), error, rho, likelihood)


def fitted(times_s: Sequence[float], values: Sequence[float]) -> dict[str, float | bool | str]:
    """A trend's row; where there is none, not flat and why: one figure's gap costs no other."""
    try:
        return trend(times_s, values).row()
    except InvalidRequestError as failure:
        return {"flat": False, "why": failure.message}
