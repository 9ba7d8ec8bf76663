"""A trend: found where there is one, and not where slow waves look like one."""

import numpy as np
import pytest

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


def test_waves_that_last_some_readings_do_not_pass_for_growth() -> None:
    # Each reading is mostly the one before: the plain interval would be far too narrow.
    rng = np.random.default_rng(3)
    flat = []
    for _ in range(200):
        value, series = 0.0, []
        for step in rng.normal(0, 1, len(TIMES)):
            value = 0.8 * value + step
            series.append(value)
        flat.append(trend(TIMES, series).flat)
    assert np.mean(flat) > 0.88


def test_constant_series_is_flat() -> None:
    assert trend(TIMES, [7.0] * len(TIMES)).flat


@pytest.mark.parametrize("times", [list(range(BLOCKS - 1)), [*range(20), 1000]])
def test_too_few_readings_are_refused(times: list[float]) -> None:
    with pytest.raises(InvalidRequestError):
        trend(times, [1.0] * len(times))


def test_a_figure_that_was_not_read_is_not_flat_and_says_why() -> None:
    assert fitted([], []) == {"flat": False, "why": "a trend takes 12 readings or more, not 0"}
    assert fitted(TIMES, [7.0] * len(TIMES)) == trend(TIMES, [7.0] * len(TIMES)).row()
