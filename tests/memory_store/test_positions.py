"""Timelines: time to positions, whatever the times."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flashstream.errors import SettingError
from flashstream.memory_store.positions import TimelineName, timeline

Times = NDArray[np.float64]

NAMES: tuple[TimelineName, ...] = get_args(TimelineName)
DAY = 86_400.0


@st.composite
def entries(draw: st.DrawFn) -> Times:
    """Unix times in any order, some equal; gaps from a frame's to months."""
    gaps = draw(
        st.lists(st.sampled_from([0.0, 0.04, 1.0, 2.0, 7.3, 3600.0, 30 * DAY]), max_size=89)
    )
    times: Times = np.cumsum([1.7e9, *gaps])
    np.random.default_rng(draw(st.integers(0, 99))).shuffle(times)
    return times


@given(entries(), st.sampled_from(NAMES), st.sampled_from([0.5, 2.0]), st.integers(1, 9000))
def test_order_is_kept_and_equal_times_share_a_position(
    times: Times, name: TimelineName, unit_s: float, limit: int
) -> None:
    positions = timeline(name, unit_s, limit)(times)
    assert positions.dtype == np.int32
    assert positions.shape == times.shape
    assert positions.min() == positions[times.argmin()] == 0
    order = np.argsort(times)
    steps = np.diff(positions[order])
    assert np.all(steps >= 0)
    assert np.all(steps[np.diff(times[order]) == 0] == 0)
    if name == "compact":
        assert positions.max() < limit


@given(entries(), st.sampled_from([0.5, 2.0]), st.integers(1, 9000))
def test_compact_is_exact_as_long_as_it_fits_and_then_uses_all_room(
    times: Times, unit_s: float, limit: int
) -> None:
    exact = timeline("time", unit_s, limit)(times)
    compact = timeline("compact", unit_s, limit)(times)
    if exact.max() < limit:
        assert np.array_equal(compact, exact)
        return
    assert compact.max() == limit - 1
    order = np.argsort(times)
    gaps = np.diff(times[order]) / unit_s
    given_gaps = np.diff(compact[order])
    # A gap that is no shorter gets no less, but for rounding to whole positions at both ends.
    by_length = np.argsort(gaps, kind="stable")
    assert np.all(np.maximum.accumulate(given_gaps[by_length]) <= given_gaps[by_length] + 1)
    # Those that were shortened all have one length, the others their own.
    longest = given_gaps.max()
    short = gaps < longest - 1
    assert np.all(np.abs(given_gaps[short] - gaps[short]) <= 1)
    assert np.all(given_gaps[gaps > longest + 1] >= longest - 1)


@given(
    st.lists(st.floats(0, 50, allow_subnormal=False), min_size=1, max_size=30),
    st.integers(1, 200),
)
@example([1.0, 2.0, 30.0], 6)
def test_compact_pours_the_room_over_the_gaps(gaps: list[float], room: int) -> None:
    """Σ min(gap, g) = room, with g found by bisection instead."""
    times = np.concatenate([np.zeros(1), np.cumsum(gaps)])
    if times[-1] <= room + 1:
        return
    low, high = 0.0, max(gaps)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(gaps, middle).sum() < room else (low, middle)
    true = np.concatenate([np.zeros(1), np.cumsum(np.minimum(gaps, high))])
    assert np.abs(timeline("compact", 1.0, room + 1)(times) - true).max() <= 0.5 + 1e-6


def test_time_counts_units_since_the_earliest() -> None:
    times = 1.7e9 + np.array([6.0, 0.0, 2.9, 3.1, 30 * DAY])
    assert timeline("time", 2.0, 10)(times).tolist() == [3, 0, 1, 2, 1_296_000]


def test_rank_sees_order_alone() -> None:
    times = np.array([5.0, 1.0, 5.0, 1e9])
    assert timeline("rank", 2.0, 1)(times).tolist() == [1, 0, 1, 2]


def test_months_with_one_busy_minute() -> None:
    """A month at an hour's distance, then thirty entries two seconds apart: these stay apart."""
    month = 1.7e9 + 3600 * np.arange(60 * 12)
    minute = month[-1] + 2.0 * np.arange(1, 31)
    positions = timeline("compact", 2.0, 8192)(np.concatenate([month, minute]))
    assert np.diff(positions[-30:]).tolist() == [1] * 29
    assert positions[-1] == 8191
    hours = np.diff(positions[:-30])
    assert hours.max() - hours.min() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_positions_fit_an_int32_with_room_for_an_offset(name: TimelineName) -> None:
    times = np.array([0.0, 1.0, 1e12])
    for unit_s in (1e-300, 1e-9):
        positions = timeline(name, unit_s, 2**40)(times)
        assert positions[0] == 0
        assert 0 < positions[1] <= positions[2] <= 2**30


@pytest.mark.parametrize(("unit_s", "limit"), [(0.0, 8), (-1.0, 8), (float("nan"), 8), (2.0, 0)])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_positive_is_refused(name: TimelineName, unit_s: float, limit: int) -> None:
    with pytest.raises(SettingError, match="a unit above 0 s and a limit of at least 1"):
        timeline(name, unit_s, limit)
