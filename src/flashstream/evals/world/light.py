"""Light over the day: brightness and colour temperature, smooth, in closed form."""

from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

DAY_S = 86400.0
NIGHT = 0.45  # the camera lengthens its exposure, so night is not black
_WARM = np.array([1.10, 0.98, 0.80])  # low sun
_COOL = np.array([0.92, 0.98, 1.10])  # night
_NEUTRAL = np.ones(3)


class Daylight:
    """What light does to each channel at a moment of a world that starts at some hour."""

    def __init__(self, start_hour: float, rng: np.random.Generator) -> None:
        self._start_s = start_hour * 3600
        # Clouds: slow waves of some minutes to two hours.
        self._periods = rng.uniform(400.0, 7200.0, 4)
        self._phases = rng.uniform(0.0, 2 * pi, 4)

    def gain(self, time_s: float) -> NDArray[np.float32]:
        """float32[3]: factors of red, green and blue."""
        # The sun's height: 1 at noon, -1 at midnight, 0 at six and eighteen.
        height = -cos(2 * pi * ((self._start_s + time_s) % DAY_S) / DAY_S)
        day = _smooth((height + 0.25) / 0.6)
        low_sun = max(0.0, 1 - abs(height - 0.1) / 0.35)
        colour = _COOL + (_NEUTRAL - _COOL) * day
        colour = colour + (_WARM - colour) * 0.7 * low_sun
        waves = (
            sin(2 * pi * time_s / period + phase)
            for period, phase in zip(self._periods, self._phases, strict=True)
        )
        clouds = 1 + 0.05 * day * sum(waves)
        return np.asarray((NIGHT + (1 - NIGHT) * day) * clouds * colour, np.float32)


def _smooth(x: float) -> float:
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)
