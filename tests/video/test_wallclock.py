import pytest

from flashstream.video.wallclock import CatchUp, FileClock, LiveClock


def test_a_live_clock_does_not_show_jitter_and_never_runs_ahead() -> None:
    clock, walls = LiveClock(), []
    for i, delay in enumerate([0.3, 0.1, 0.5, 0.1, 0.4, 0.2]):
        now = 1000.0 + i + delay
        assert clock.lag(float(i), now) >= 0
        walls.append(clock.wall(float(i)))
        assert walls[-1] <= now
    assert walls[1:] == pytest.approx([1001.1 + i for i in range(5)])


def test_a_stall_does_not_move_the_clock() -> None:
    clock = LiveClock()
    for t in (0.0, 1.0):
        clock.lag(t, 1000.0 + t)
    assert [clock.lag(t, 1007.0) for t in (2.0, 4.0, 7.0)] == pytest.approx([5.0, 3.0, 0.0])
    assert clock.wall(2.0) == pytest.approx(1002.0)


def test_a_clock_that_drifts_is_anchored_anew_and_never_goes_back() -> None:
    clock, walls = LiveClock(), []
    for i in range(400):  # the source's seconds are 1 % too long
        clock.lag(float(i), 1000.0 + 1.01 * i)
        walls.append(clock.wall(float(i)))
    assert walls == sorted(walls)
    assert all(1000 + 1.01 * i - wall < 1.3 for i, wall in enumerate(walls))


def test_a_new_segment_is_placed_by_its_own_arrival() -> None:
    clock = LiveClock()
    clock.lag(0.0, 1000.0)
    clock.anchor()
    clock.lag(0.1, 1050.0)
    assert clock.wall(0.1) == pytest.approx(1050.0)
    clock.anchor()
    clock.lag(0.2, 990.0)  # our own clock was set back
    assert clock.wall(0.2) == pytest.approx(1050.0)


def test_a_file_is_placed_by_its_start_and_paced_by_its_speed() -> None:
    clock = FileClock(paced=True, speed=2.0)
    clock.lag(0.0, 1000.0)
    assert clock.wall(3.0) == pytest.approx(1001.5)
    assert clock.early(3.0, 1001.0) == pytest.approx(0.5)
    assert clock.lag(3.0, 1002.0) == pytest.approx(0.5)
    unpaced = FileClock(paced=False, speed=2.0)
    unpaced.lag(0.0, 1000.0)
    assert unpaced.wall(3.0) == pytest.approx(1003.0)
    assert (unpaced.early(3.0, 1001.0), unpaced.lag(3.0, 1009.0)) == (0.0, 0.0)


def test_catching_up_begins_after_patience_and_ends_at_a_key_picture_near_the_present() -> None:
    catch_up = CatchUp(max_lag_s=2.0, patience_s=3.0)
    skipping = []
    # At 2.0 s a burst has passed; from 4.0 s on the lag stays.
    for now, lag in [(0.0, 5.0), (2.0, 1.0), (4.0, 5.0), (6.9, 5.0), (7.1, 5.0)]:
        catch_up.note(lag, now)
        skipping.append(catch_up.skipping)
    assert skipping == [False, False, False, False, True]
    steps = [(0.5, False), (1.5, True), (0.5, True), (5.0, False)]
    assert [catch_up.resumes(lag, key) for lag, key in steps] == [False, False, True, True]
