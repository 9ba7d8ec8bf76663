"""A trend: found where there is one, and not where slow waves look like one."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from flashstream.errors import InvalidRequestError
from flashstream.loadtests.trend import BLOCKS, fitted, trend

TIMES = np.arange(0.0, 1800.0, 5.0).tolist()


def test_growth_is_found_with_its_slope() -> None:
    noise = np.random.default_rng(1).normal(0, 5, len(TIMES))
    found = trend(TIMES, (1000 + 200 * np.array(TIMES) / 3600 + noise).tolist())
    assert not found.flat
    assert found.low < 200 < found.high
    assert found.slope == pytest.approx(200, rel=0.1)


def test_noise_is_flat_about_as_often_as_it_should_be() -> None:
    rng = np.random.default_rng(2)
    flat = [trend(TIMES, rng.normal(10, 1, len(TIMES)).tolist()).flat for _ in range(400)]
    assert 0.91 < np.mean(flat) < 0.98


def _waves(rng: np.random.Generator, lasting_s: float) -> NDArray[np.float64]:
    """Each reading is mostly the one before; variance 1."""
    kept = math.exp(-5.0 / lasting_s)
    value, series = rng.normal(), []
    for step in rng.normal(0, math.sqrt(1 - kept * kept), len(TIMES)):
        value = kept * value + step
        series.append(value)
    return np.array(series)


@pytest.mark.parametrize(("lasting_s", "least"), [(25.0, 0.9), (60.0, 0.9), (150.0, 0.85)])
def test_waves_do_not_pass_for_growth(lasting_s: float, least: float) -> None:
    # The plain interval would be far too narrow; one that takes stretches of 150 s for independent
    # holds zero in 9 of 10 at 60 s, in 3 of 4 at 150 s.
    rng = np.random.default_rng(3)
    flat = [trend(TIMES, _waves(rng, lasting_s).tolist()).flat for _ in range(400)]
    assert np.mean(flat) > least


@pytest.mark.parametrize("lasting_s", [25.0, 60.0])
def test_growth_is_found_in_waves(lasting_s: float) -> None:
    # In the half hour of the readings it grows by six times the waves' deviation.
    rng = np.random.default_rng(4)
    growth = 12 * np.array(TIMES) / 3600
    found = [trend(TIMES, (growth + _waves(rng, lasting_s)).tolist()) for _ in range(100)]
    assert np.mean([not each.flat for each in found]) > 0.95
    assert np.mean([each.slope for each in found]) == pytest.approx(12, rel=0.05)


def test_constant_series_is_flat() -> None:
    assert trend(TIMES, [7.0] * len(TIMES)).flat


@pytest.mark.parametrize("times", [list(range(BLOCKS - 1)), [*range(20), 1000]])
def test_too_few_readings_are_refused(times: list[float]) -> None:
    with pytest.raises(InvalidRequestError):
        trend(times, [1.0] * len(times))


def test_a_figure_that_was_not_read_is_not_flat_and_says_why() -> None:
    assert fitted([], []) == {"flat": False, "why": "a trend takes 12 readings or more, not 0"}
    assert fitted(TIMES, [7.0] * len(TIMES)) == trend(TIMES, [7.0] * len(TIMES)).row()
