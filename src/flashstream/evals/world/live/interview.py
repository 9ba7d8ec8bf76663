"""Questions asked over HTTP while a camera shows their world, each at its moment."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flashstream.client import Client, RemoteError
from flashstream.errors import NotReadyError
from flashstream.evals.world.live.clock import FrameTimes, LiveQuestion, frame_at
from flashstream.evals.world.questions.question import Question
from flashstream.models.family import Progress

_AT_ONCE: Final = 16
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Said:
    """What the platform answered.

    text: the question as it was asked. wanted: the number of the frame of its moment; number: of
    the frame that the answer's memory ended with. version, age_s: of that memory, as the answer
    tells. error: the code of a refusal, of which `answer` is empty and `number` is `wanted`.
    """

    question: Question
    text: str
    asked_at: datetime
    answer: str
    wanted: int
    number: int
    version: int = 0
    age_s: float = 0.0
    total_s: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What a stream had seen when all was answered.

    number: of the newest frame in its memory; version: how many frames it had observed; digest:
    of its memory's contents; url: where it says that it watches.
    """

    number: int
    version: int
    digest: str
    url: str


class Interview:
    """Asks a running platform about one stream. `times` learns when each frame was seen."""

    def __init__(
        self,
        client: Client,
        stream: str,
        times: FrameTimes,
        fps: float,
        *,
        patience_s: float = 60.0,
    ) -> None:
        """fps: frames a second, of the world and of the stream. patience_s: how long the stream
        may be without a new frame."""
        self._client = client
        self._stream = stream
        self._times = times
        self._fps = fps
        self._patience_s = patience_s

    def ask(self, questions: Sequence[Question], report: Progress) -> list[Said]:
        """Ask each question as soon as the frame of its moment is in the stream's memory, those of
        one moment at once; the answers are in the order of moments.

        A question that is refused has its error in place of an answer. Raises `NotReadyError` if
        no new frame comes, `RemoteError` and `UnreachableServiceError` for all else.
        """
        waiting = sorted(questions, key=lambda question: question.moment_s)
        last = frame_at(waiting[-1].moment_s, self._fps)
        asked: list[Future[Said]] = []
        seen: float | None = None
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while waiting:
                seen = self._next(seen)
                number = self._times.note(seen)
                while waiting and frame_at(waiting[0].moment_s, self._fps) <= number:
                    question = waiting.pop(0)
                    wanted = frame_at(question.moment_s, self._fps)
                    live = LiveQuestion(question, self._times.time(wanted))
                    asked.append(pool.submit(self._ask, question, live, wanted))
                report("watching and asking", min(1.0, (number + 1) / (last + 1)))
            return [each.result() for each in asked]

    def watched(self) -> Watched:
        """The stream as it is now."""
        memory = self._client.memory(self._stream)
        number = self._times.note(_unix(memory["as_of"]))
        digest = memory["uuid"].rsplit(":", 1)[1]
        return Watched(number, memory["version"], digest, self._client.stream(self._stream)["url"])

    def _next(self, seen: float | None) -> float:
        """Unix time of the stream's newest frame, once it is another than that of `seen`."""
        deadline = time.monotonic() + self._patience_s
        if seen is not None:
            time.sleep(max(0.0, seen + 1 / self._fps - time.time()))
        while True:
            status = self._client.stream(self._stream)
            if status["as_of"] is not None and (found := _unix(status["as_of"])) != seen:
                return found
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"stream '{self._stream}' had no new frame for {self._patience_s:g} s; it is "
                    f"{status['state']}: {status['reason']}"
                )
            time.sleep(_LOOK_S)

    def _ask(self, question: Question, live: LiveQuestion, wanted: int) -> Said:
        text = live.text
        try:
            told: dict[str, Any] = self._client.ask(self._stream, text)
        except RemoteError as refused:
            return Said(question, text, live.asked_at, "", wanted, wanted, error=refused.code)
        memory = told["memory"]
        return Said(
            question,
            text,
            live.asked_at,
            told["answer"].strip(),
            wanted,
            self._times.number(_unix(memory["as_of"])),
            memory["version"],
            memory["age_s"],
            told["timings"]["total_s"],
        )


def _unix(told: str) -> float:
    return datetime.fromisoformat(told).timestamp()
