"""How many questions are let in at once, by the real service behind the real gateway."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import httpx
import numpy as np
import pytest

from flashstream.config import load
from flashstream.deployments.gateway import create_app
from flashstream.deployments.messages import AnswerDone, TextDelta
from flashstream.deployments.service import Service
from flashstream.errors import DeadlineExceededError
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.snapshot import MemorySnapshot, Slots
from flashstream.models.registry import configured
from flashstream.telemetry import QUESTIONS, PrometheusTelemetry

NONE = np.zeros(0)
SNAPSHOT = MemorySnapshot(
    stream="s",
    epoch=1,
    version=1,
    as_of=100.0,
    uuid="s:1:1:ab",
    fingerprint="f",
    frames_seen=1,
    features=np.ones((1, 2), np.float16),
    parts=np.zeros(1, np.int8),
    groups=np.zeros(1, np.int32),
    times=np.zeros(1),
    positions=np.zeros((1, 3), np.int32),
    slots=Slots(NONE.astype(np.int32), NONE.astype(np.int64), NONE, NONE, NONE, ()),
)


class HeldAnswerer:
    """Says a word, and the rest once it may."""

    def __init__(self, took_s: float = 0.2) -> None:
        self._took_s = took_s
        self.go = asyncio.Event()
        self.held = 0
        self.full = asyncio.Event()

    async def answer(self, *_question: object) -> AsyncGenerator[TextDelta | AnswerDone]:
        self.held += 1
        if self.held == 2:
            self.full.set()
        yield TextDelta("A ")
        await self.go.wait()
        yield AnswerDone("A cat.", "stop", 1, 0, 1, 0.1, self._took_s, ())


class Watched:
    """A stream's watcher that has one memory."""

    async def snapshot_to_ask(self) -> tuple[MemorySnapshot, MemorySnapshot]:
        return SNAPSHOT.without_rows(), SNAPSHOT

    async def keep_pictures(self, pictures: tuple[str, ...]) -> tuple[str, ...]:
        return pictures


@dataclass
class Gateway:
    """The real service behind the real gateway, before an answerer of the test's."""

    http: httpx.AsyncClient
    telemetry: PrometheusTelemetry

    async def ask(self, **more: object) -> httpx.Response:
        return await self.http.post("/v1/streams/s/ask", json={"question": "What?", **more})


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Gateway]:
    def make(answerer: object, **settings: object) -> Gateway:
        of_answers = {f"answers.{name}": value for name, value in settings.items()}
        loaded = load(overrides=of_answers, environ={})
        telemetry = PrometheusTelemetry()
        service = Service(loaded, configured(loaded), LocalStore(), answerer, telemetry)  # type: ignore[arg-type]

        async def call(stream: str, what: Callable[[Watched], Awaitable[object]]) -> object:
            return await what(Watched())

        monkeypatch.setattr(service.streams, "call", call)
        transport = httpx.ASGITransport(create_app(service, max_body_bytes=2048))
        return Gateway(httpx.AsyncClient(transport=transport, base_url="http://test"), telemetry)

    return make


@pytest.mark.parametrize("held_word_by_word", [True, False])
async def test_past_the_limit_questions_are_refused_at_once_and_taken_again_later(
    gateway: Callable[..., Gateway], held_word_by_word: bool
) -> None:
    answerer = HeldAnswerer()
    at = gateway(answerer, max_ongoing=2)
    async with at.http:
        held = [asyncio.create_task(at.ask(stream=held_word_by_word)) for _ in range(2)]
        await asyncio.wait_for(answerer.full.wait(), 60)
        for word_by_word in (True, False):
            refused = await asyncio.wait_for(at.ask(stream=word_by_word), 2)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            error = refused.json()["error"]
            assert (error["code"], error["details"]["max_ongoing"]) == ("overloaded", 2)
        counted = at.telemetry.registry.get_sample_value(QUESTIONS.name, {"outcome": "overloaded"})
        assert counted == 2
        answerer.go.set()
        assert [answer.status_code for answer in await asyncio.gather(*held)] == [200, 200]
        assert (await at.ask()).json()["answer"] == "A cat."


class LateAnswerer(HeldAnswerer):
    """Lets the first question pass its deadline, before any word or after some."""

    def __init__(self, tokens: int, took_s: float = 0.2) -> None:
        super().__init__(took_s)
        self._tokens = tokens

    async def answer(self, *question: object) -> AsyncGenerator[TextDelta | AnswerDone]:
        if self._tokens >= 0:
            tokens, self._tokens = self._tokens, -1
            raise DeadlineExceededError("too late", deadline_s=1.0, tokens=tokens)
        async with aclosing(super().answer(*question)) as events:
            async for event in events:
                yield event


async def taken_of_two(at: Gateway, answerer: HeldAnswerer) -> int:
    """How many of two that are open together are answered; the others are refused at once."""
    answerer.go.clear()
    answerer.held = 0
    asked = [asyncio.create_task(at.ask()) for _ in range(2)]
    while sum(task.done() for task in asked) + answerer.held < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    answerer.go.set()
    codes = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert set(codes) <= {200, 429}
    return codes.count(200)


@pytest.mark.parametrize(
    ("tokens", "deadline_s", "taken"), [(0, None, 1), (3, None, 2), (0, 1.0, 2)]
)
async def test_one_that_no_word_was_said_to_in_full_time_leaves_room_for_one(
    gateway: Callable[..., Gateway], tokens: int, deadline_s: float | None, taken: int
) -> None:
    """An answer that was begun, or that was given little time, says nothing of the others."""
    answerer = LateAnswerer(tokens)
    at = gateway(answerer, max_ongoing=2)
    async with at.http:
        assert (await at.ask(deadline_s=deadline_s)).status_code == 504
        assert await taken_of_two(at, answerer) == taken


@pytest.mark.parametrize(("took_s", "taken"), [(0.2, 2), (59.0, 1)])
async def test_an_answer_with_time_to_spare_lets_the_others_in_again(
    gateway: Callable[..., Gateway], took_s: float, taken: int
) -> None:
    answerer = LateAnswerer(0, took_s)
    at = gateway(answerer, max_ongoing=2)
    async with at.http:
        assert (await at.ask()).status_code == 504
        assert await taken_of_two(at, answerer) == 1
        assert await taken_of_two(at, answerer) == taken
