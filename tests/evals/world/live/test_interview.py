"""Questions come at their moments, on a stream that only tells what a stream tells."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from flashstream.client import Client, RemoteError
from flashstream.errors import NotReadyError
from flashstream.evals.world.live.clock import FrameTimes
from flashstream.evals.world.live.interview import Interview
from flashstream.evals.world.questions.question import Question
from flashstream.platform import no_report

Ask = Callable[..., Question]
FPS = 10.0


class Stream:
    """Of a platform whose camera began `started_s`; a frame is in memory 20 ms after its time."""

    def __init__(self, ends_at: int = 1000) -> None:
        self.started_s = round(time.time(), 6) + 0.1
        self.ends_at = ends_at
        self.asked: list[tuple[str, int]] = []
        self.together = threading.Barrier(2, timeout=60)

    def newest(self) -> int:
        return min(self.ends_at, int((time.time() - self.started_s - 0.02) * FPS // 1))

    def as_of(self, number: int) -> str:
        return datetime.fromtimestamp(self.started_s + number / FPS, UTC).isoformat()

    def stream(self, name: str) -> dict[str, Any]:
        number = self.newest()
        as_of = None if number < 0 else self.as_of(number)
        return {"as_of": as_of, "state": "live", "reason": "frames arrive", "url": "rtsp://camera"}

    def memory(self, name: str) -> dict[str, Any]:
        number = self.newest()
        return {"as_of": self.as_of(number), "version": number + 1, "uuid": "w:1:2:beef"}

    def ask(self, name: str, question: str) -> dict[str, Any]:
        number = self.newest()
        self.asked.append((question, number))
        if question == "Together?":
            self.together.wait()
        if question == "Too much?":
            raise RemoteError("too many", code="overloaded", status=429)
        memory = {"as_of": self.as_of(number), "version": number + 1, "age_s": 0.03}
        return {"answer": f" {question} ", "memory": memory, "timings": {"total_s": 0.2}}


def interview(stream: Stream, patience_s: float = 5.0) -> Interview:
    times = FrameTimes(stream.started_s, FPS)
    return Interview(cast(Client, stream), "w", times, FPS, patience_s=patience_s)


def test_each_question_is_asked_at_its_moment(ask: Ask) -> None:
    stream = Stream()
    questions = [ask(1.0, "Late?"), ask(0.3, "Together?"), ask(0.3, "Together?")]
    one = interview(stream)
    said = one.ask(questions, no_report)
    assert [(each.text, each.wanted) for each in said] == [
        ("Together?", 3),
        ("Together?", 3),
        ("Late?", 10),
    ]
    assert [each.number - each.wanted for each in said] == [0, 0, 0]
    assert said[2].answer == "Late?"
    assert said[2].version == 11
    assert said[2].asked_at.timestamp() == pytest.approx(stream.started_s + 1.0, abs=1e-5)
    watched = one.watched()
    assert (watched.version, watched.digest) == (watched.number + 1, "beef")
    assert watched.url == "rtsp://camera"


def test_a_refusal_stands_in_place_of_an_answer(ask: Ask) -> None:
    said = interview(Stream()).ask([ask(0.1, "Too much?"), ask(0.2)], no_report)
    assert (said[0].error, said[0].answer) == ("overloaded", "")
    assert said[1].error is None


def test_a_stream_that_stands_still_is_given_up(ask: Ask) -> None:
    with pytest.raises(NotReadyError, match=r"no new frame for 0\.3 s; it is live: frames arrive"):
        interview(Stream(ends_at=2), patience_s=0.3).ask([ask(0.5)], no_report)
