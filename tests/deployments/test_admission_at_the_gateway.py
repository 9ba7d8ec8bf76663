"""How many questions are let in at once, by the real service behind the real gateway."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx
import numpy as np
import pytest

from flashstream.config import load
from flashstream.deployments.gateway import create_app
from flashstream.deployments.messages import AnswerDone, TextDelta
from flashstream.deployments.service import Service
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

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.held = 0
        self.full = asyncio.Event()

    async def answer(self, *_question: object) -> AsyncGenerator[TextDelta | AnswerDone]:
        self.held += 1
        if self.held == 2:
            self.full.set()
        yield TextDelta("A ")
        await self.go.wait()
        yield AnswerDone("A cat.", "stop", 1, 0, 1, 0.1, 0.2, ())


class Watched:
    """A stream's watcher that has one memory."""

    async def snapshot_to_ask(self) -> tuple[MemorySnapshot, MemorySnapshot]:
        return SNAPSHOT.without_rows(), SNAPSHOT

    async def keep_pictures(self, pictures: tuple[str, ...]) -> tuple[str, ...]:
        return pictures


@pytest.mark.parametrize("held_word_by_word", [True, False])
async def test_past_the_limit_questions_are_refused_at_once_and_taken_again_later(
    monkeypatch: pytest.MonkeyPatch, held_word_by_word: bool
) -> None:
    settings = load(overrides={"answers.max_ongoing": 2}, environ={})
    answerer = HeldAnswerer()
    telemetry = PrometheusTelemetry()
    service = Service(settings, configured(settings), LocalStore(), answerer, telemetry)  # type: ignore[arg-type]

    async def call(stream: str, what: Callable[[Watched], Awaitable[object]]) -> object:
        return await what(Watched())

    monkeypatch.setattr(service.streams, "call", call)
    app = create_app(service, max_body_bytes=2048)
    transport = httpx.ASGITransport(app)

    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:

        async def ask(stream: bool) -> httpx.Response:
            body = {"question": "What?", "stream": stream}
            return await http.post("/v1/streams/s/ask", json=body)

        held = [asyncio.create_task(ask(held_word_by_word)) for _ in range(2)]
        await asyncio.wait_for(answerer.full.wait(), 5)
        for word_by_word in (True, False):
            refused = await asyncio.wait_for(ask(word_by_word), 2)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            error = refused.json()["error"]
            assert (error["code"], error["details"]["max_ongoing"]) == ("overloaded", 2)
        counted = telemetry.registry.get_sample_value(QUESTIONS.name, {"outcome": "overloaded"})
        assert counted == 2
        answerer.go.set()
        assert [answer.status_code for answer in await asyncio.gather(*held)] == [200, 200]
        assert (await ask(False)).json()["answer"] == "A cat."
