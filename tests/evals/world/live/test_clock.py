"""Which frame a stream's memory ends with, and what time it is then."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from flashstream.evals.world.live.clock import FrameTimes, LiveQuestion, frame_at
from flashstream.evals.world.questions.answers import Age
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.world import World

Ask = Callable[..., Question]
START = 1_790_000_000.25


@pytest.mark.parametrize(
    ("moment_s", "fps", "frame"),
    [(0.0, 1.0, 0), (7.0, 1.0, 7), (0.3, 10.0, 3), (2.9, 1.0, 2), (7.0, 0.2, 1), (4.999, 0.2, 0)],
)
def test_the_newest_frame_of_a_moment(moment_s: float, fps: float, frame: int) -> None:
    assert frame_at(moment_s, fps) == frame


def test_a_frame_is_on_show_until_the_next() -> None:
    times = FrameTimes(START, 2.0)
    assert [times.number(START + s) for s in (0.0, 0.1, 0.46, 0.5, 0.9, 99.6)] == [
        *(0, 0, 0, 1, 1, 199)
    ]
    assert times.number(START - 0.001) == 0  # clocks are read one after another
    assert times.number(START - 0.1) == -1


def test_times_are_as_the_stream_tells_them_and_else_as_the_nearest_says() -> None:
    times = FrameTimes(START, 2.0)
    assert times.note(START + 1.111111) == 2
    assert times.note(START + 9.600003) == 19
    assert times.time(2) == START + 1.111111
    assert times.time(0) == round(START + 0.111111, 6)
    assert times.time(5) == round(START + 2.611111, 6)
    assert times.time(20) == round(START + 10.100003, 6)
    # To the bit what a stream tells of such a frame over HTTP.
    assert datetime.fromtimestamp(times.time(20), UTC).timestamp() == times.time(20)


def test_clock_times_are_asked_by_the_clock_of_the_asking(world: World, ask: Ask) -> None:
    moment = ask(10.0, "What came between 23:59:50 and 00:00:05, 3 seconds ago?")
    assert moment.asked_at.strftime("%H:%M:%S") == "23:59:34"
    noon = datetime(2027, 5, 6, 12, 0, 0, 400_000, tzinfo=UTC).timestamp()
    live = LiveQuestion(moment, noon)
    assert live.text == "What came between 12:00:16 and 12:00:31, 3 seconds ago?"
    assert LiveQuestion(ask(10.0, "Is it 7:30 yet?"), noon).text == "Is it 7:30 yet?"


def test_clock_times_of_answers_are_read_by_the_clock_of_the_asking(ask: Ask) -> None:
    question = ask(10.0, "When?", Age(40.0, "23:58:54"))
    noon = datetime(2027, 5, 6, 12, 0, 0, 400_000, tzinfo=UTC).timestamp()
    live = LiveQuestion(question, noon)
    assert live.right("40 seconds ago.")
    assert live.right("At 11:59:20.")
    assert not live.right("At 11:58:54.")
    assert not live.right("At 23:58:54.")
    assert question.right("At 23:58:54.")
