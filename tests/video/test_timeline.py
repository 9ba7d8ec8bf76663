import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashstream.video.timeline import Sampler, Timeline


def _placed(times: list[float | None], step: float = 0.1) -> tuple[list[float], int]:
    timeline = Timeline(step)
    return [round(timeline.place(t), 6) for t in times], timeline.segments


def test_times_start_at_zero_and_keep_their_distances() -> None:
    assert _placed([7.0, 7.1, 7.5, 9.0]) == ([0.0, 0.1, 0.5, 2.0], 1)


def test_a_jump_back_goes_on_one_step_later_as_a_new_segment() -> None:
    assert _placed([5.0, 5.1, 0.0, 0.2]) == ([0.0, 0.1, 0.2, 0.4], 2)


def test_a_leap_goes_on_one_step_later_but_a_long_still_picture_does_not() -> None:
    assert _placed([0.0, 59.0, 119.5, 120.0]) == ([0.0, 59.0, 59.1, 59.6], 2)


def test_missing_times_count_as_steps() -> None:
    assert _placed([None, None, None]) == ([0.0, 0.1, 0.2], 1)
    assert _placed([1.0, None, 1.2]) == ([0.0, 0.1, 0.2], 1)
    # RTSP's first packet has none, and the second may have any.
    assert _placed([None, 500.0, 500.3]) == ([0.0, 0.1, 0.4], 1)


def test_slight_disorder_stands_still() -> None:
    assert _placed([0.0, 0.2, 0.15, 0.3]) == ([0.0, 0.2, 0.2, 0.3], 1)


def test_a_clock_that_stands_still_is_replaced_by_steps() -> None:
    times, segments = _placed([3.0] * 9)
    assert times == [0.0] * 6 + [0.1, 0.2, 0.3]
    assert segments == 1


def test_a_cut_is_a_new_segment_whatever_the_time() -> None:
    timeline = Timeline(0.1)
    timeline.cut()
    assert timeline.place(4.0) == 0.0
    timeline.cut()
    assert timeline.place(4.1) == pytest.approx(0.1)
    assert timeline.segments == 2


@given(st.lists(st.none() | st.floats(-1e6, 1e6)))
def test_time_never_goes_back(times: list[float | None]) -> None:
    placed = _placed(times)[0]
    assert placed == sorted(placed)


def test_the_first_frame_at_or_after_each_instant_is_taken() -> None:
    sampler = Sampler(2.0)
    times = [0.0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.5, 3.2, 3.3, 3.9, 4.0]
    assert [t for t in times if sampler.takes(t)] == [0.0, 0.9, 1.0, 1.5, 3.2, 3.9, 4.0]


def test_frames_at_the_sampling_rate_are_all_taken_despite_rounding() -> None:
    sampler = Sampler(30.0, tolerance_s=0.001)
    assert all(sampler.takes(round(k / 30, 3)) for k in range(3000))
    exact = Sampler(0.3)
    assert all(exact.takes(k / 0.3) for k in range(3000))


def test_a_damaged_frame_is_taken_only_for_want_of_a_better() -> None:
    sampler = Sampler(1.0)
    frames = [(0.0, True), (0.5, False), (1.0, True), (1.5, True), (2.0, True), (2.1, False)]
    assert [t for t, damaged in frames if sampler.takes(t, damaged=damaged)] == [0.5, 2.0]


def test_time_goes_on_over_what_is_left_out_as_if_it_had_been_placed() -> None:
    times = [10.0, 10.1, 10.2, 60.0, 110.0, 160.0, 160.1, 3.0, 3.1, 3.2]
    left_out = {10.1, 60.0, 110.0, 160.1, 3.1}
    whole, sparing = Timeline(0.1), Timeline(0.1)
    waiting: list[float] = []
    for pts in times:
        expected = whole.place(pts)
        if pts in left_out:
            waiting.append(pts)
            continue
        sparing.leave_out(waiting)
        waiting = []
        assert sparing.place(pts) == expected
    assert sparing.segments == whole.segments == 2


def test_a_frame_that_the_decoder_gives_late_is_placed_before_what_was_left_out() -> None:
    timeline = Timeline(0.1)
    placed = [timeline.place(5.0)]
    timeline.leave_out([5.3, 5.5, 5.4])
    placed += [timeline.place(pts) for pts in (5.1, 5.2, 6.0)]
    assert placed == pytest.approx([0.0, 0.1, 0.2, 1.0])
    timeline.leave_out([6.1])
    timeline.cut()
    assert timeline.place(0.0) == pytest.approx(1.2)
