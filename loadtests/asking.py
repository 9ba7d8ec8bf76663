"""People who ask: questions at a steady rate, whatever becomes of the earlier ones."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from flashstream.client import Client, RemoteError
from flashstream.errors import FlashstreamError, NotReadyError
from flashstream.loadtests.background import Background
from flashstream.loadtests.moments import moments
from flashstream.loadtests.service import until

QUESTIONS: Final = (
    "What does the camera show now?",
    "What was there one minute ago?",
    "Has a dog been seen?",
    "What was seen in the last two minutes?",
)
CLEAR: Final = frozenset(
    {"deadline_exceeded", "no_memory_yet", "not_ready", "overloaded", "store_unavailable"}
)
"""Codes of refusals that tell an asker to try again, and when."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and what became of it. Times are seconds of `time.monotonic`.

    refusal: the error's code, "" if it was answered. age_s: of the newest frame in the memory
    when the question came. ttft_s: to the answer's first token, as the service measured it.
    """

    stream: str
    at_s: float
    took_s: float
    refusal: str = ""
    message: str = ""
    age_s: float | None = None
    ttft_s: float | None = None

    @property
    def answered(self) -> bool:
        """Whether it was."""
        return not self.refusal

    @property
    def unclear(self) -> bool:
        """Refused with something that an asker can do nothing with."""
        return bool(self.refusal) and self.refusal not in CLEAR


class Asker(Background):
    """Asks `per_s` questions a second (see `moments`), one stream after another, while the context
    lasts.

    It never waits for an answer before it asks again, as people do not wait for each other;
    when `most_open` are open, the next is not asked, but counted in `held_back`. at_once: so many
    come together each time, as many times less often.
    """

    def __init__(
        self,
        client: Callable[[], Client],
        streams: Sequence[str],
        per_s: float,
        *,
        at_once: int = 1,
        max_tokens: int = 16,
        most_open: int = 64,
    ) -> None:
        super().__init__()
        self._client = client
        self._streams = tuple(streams)
        self._at_once = at_once
        self._every_s = at_once / per_s
        self._options: dict[str, Any] = {"max_tokens": max_tokens}
        self._room = threading.BoundedSemaphore(most_open)
        self._pool = ThreadPoolExecutor(most_open, "asker")
        self._lock = threading.Lock()
        self._asked: list[Asked] = []
        self.held_back = 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._pool.shutdown(wait=True)

    @property
    def asked(self) -> list[Asked]:
        """All that was answered or refused up to now."""
        with self._lock:
            return list(self._asked)

    def await_answer(self, seconds: float) -> None:
        """Return once a question has been answered; `NotReadyError` if none was in that time."""
        try:
            until(lambda: any(each.answered for each in self.asked), seconds)
        except NotReadyError:
            told = "; ".join(sorted({each.message for each in self.asked}))
            raise NotReadyError(
                f"no question was answered in {seconds:g} s: {told or 'all are still open'}"
            ) from None

    def _run(self) -> None:
        began = time.monotonic()
        for slot, moment_s in enumerate(moments(self._every_s)):
            if self._ending.wait(max(0.0, began + moment_s - time.monotonic())):
                return
            for number in range(slot * self._at_once, (slot + 1) * self._at_once):
                self._send(number)

    def _send(self, number: int) -> None:
        if not self._room.acquire(blocking=False):
            self.held_back += 1
            return
        stream = self._streams[number % len(self._streams)]
        question = QUESTIONS[number // len(self._streams) % len(QUESTIONS)]
        self._pool.submit(self._ask, stream, question)

    def _ask(self, stream: str, question: str) -> None:
        try:
            found = self._answer(stream, question)
        finally:
            self._room.release()
        with self._lock:
            self._asked.append(found)

    def _answer(self, stream: str, question: str) -> Asked:
        began = time.monotonic()
        try:
            with self._client() as client:
                answer = client.ask(stream, question, **self._options)
        except FlashstreamError as failure:
            code = failure.code if isinstance(failure, RemoteError) else "unreachable"
            return Asked(stream, began, time.monotonic() - began, code, failure.message)
        except Exception as failure:
            name = type(failure).__name__
            return Asked(stream, began, time.monotonic() - began, "failed", f"{name}: {failure}")
        return Asked(
            stream,
            began,
            time.monotonic() - began,
            age_s=answer["memory"]["age_s"],
            ttft_s=answer["timings"]["ttft_s"],
        )
