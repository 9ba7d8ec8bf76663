"""What is told of a stream, by a clock that is set by hand."""

import pytest

from flashstream.actors.health import StreamHealth
from flashstream.actors.spec import StreamState


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> StreamHealth:
    made = StreamHealth("s", stale_after_s=10, degraded_after_s=30, clock=clock, wall=clock)
    made.frame()
    made.frame_taken()
    return made


def test_without_a_new_frame_a_live_stream_becomes_stale_and_live_by_the_next(
    health: StreamHealth, clock: Clock
) -> None:
    clock.now = 10.0
    assert health.now()[0] is StreamState.LIVE
    clock.now = 10.5
    assert health.now() == (
        StreamState.STALE,
        10.5,
        "connected, but no new frame for more than 10 s",
    )
    health.frame()
    assert health.now() == (StreamState.LIVE, 10.5, "frames arrive")


def test_a_file_that_waits_for_the_encoder_is_not_stale(health: StreamHealth, clock: Clock) -> None:
    health.frame()
    clock.now = 60.0
    assert health.now()[0] is StreamState.LIVE


def test_a_camera_that_is_down_is_not_stale(health: StreamHealth, clock: Clock) -> None:
    health.become(StreamState.RECONNECTING, "refused")
    clock.now = 60.0
    assert health.now() == (StreamState.RECONNECTING, 0.0, "refused")


def test_a_verdict_on_the_picture_makes_it_stale_until_it_is_taken_back(
    health: StreamHealth, clock: Clock
) -> None:
    clock.now = 5.0
    health.frame("the picture is frozen")
    clock.now = 6.0
    health.frame("the picture is frozen")
    assert health.now() == (StreamState.STALE, 5.0, "the picture is frozen")
    health.frame()
    assert health.now()[0] is StreamState.LIVE


def test_a_store_that_takes_nothing_degrades_a_live_stream_until_it_caught_up(
    health: StreamHealth, clock: Clock
) -> None:
    health.refused("refused")
    health.frame()
    clock.now = 29.0
    health.refused("refused")
    assert health.now()[0] is StreamState.LIVE
    clock.now = 31.0
    health.refused("refused")
    assert health.now() == (
        StreamState.DEGRADED,
        31.0,
        "the store has taken nothing for 31 s: refused",
    )
    health.become(StreamState.RECONNECTING, "gone")
    assert health.now()[0] is StreamState.RECONNECTING
    health.frame()
    clock.now = 32.0
    health.refused("refused")
    assert health.now()[1] == 31.0
    health.taken()
    assert health.now()[0] is StreamState.LIVE


def test_a_failed_stream_stays_so(health: StreamHealth) -> None:
    health.become(StreamState.FAILED, "another owner")
    health.frame()
    assert health.now()[2] == "another owner"
