"""The answerer's own rules, on an engine that says what the test wants."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from flashstream.deployments.answering import Answerer
from flashstream.deployments.engine.output import EngineOutput
from flashstream.deployments.messages import AnswerDone, AnswerRequest, TextDelta
from flashstream.errors import (
    DeadlineExceededError,
    EmptyQuestionError,
    EngineError,
    FingerprintError,
    FlashstreamError,
    InvalidRequestError,
    QuestionTooLongError,
)
from flashstream.memory_store.snapshot import MemorySnapshot, Slots
from flashstream.models.family import MemoryItem, Prompt
from flashstream.telemetry import PrometheusTelemetry


def make_snapshot(fingerprint: str = "right") -> MemorySnapshot:
    none = np.zeros(0)
    return MemorySnapshot(
        stream="gate",
        epoch=1,
        version=7,
        as_of=100.0,
        uuid="gate:1:7:ab",
        fingerprint=fingerprint,
        frames_seen=7,
        features=np.ones((2, 4), np.float16),
        parts=np.zeros(2, np.int8),
        groups=np.zeros(2, np.int32),
        times=np.zeros(2),
        positions=np.zeros((2, 3), np.int32),
        slots=Slots(none.astype(np.int32), none.astype(np.int64), none, none, none, ()),
    )


class Family:
    """Packs the snapshot as it is and puts the question after it."""

    def fingerprint(self) -> str:
        return "right"

    def pack(self, snapshot: MemorySnapshot) -> MemoryItem:
        return MemoryItem(snapshot.features, np.zeros((1, 1), np.int64), 10)

    def prompt(self, question: str, snapshot: MemorySnapshot) -> Prompt:
        return Prompt("before", question)


class Grounder:
    """Takes `takes_s`; notes the most that it was asked at once."""

    def __init__(self) -> None:
        self.takes_s = 0.0
        self.at_once = self.most_at_once = 0

    def rank(self, question: str, answer: str, snapshot: MemorySnapshot) -> list[tuple[int, float]]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.takes_s)
        self.at_once -= 1
        return [(len(answer), 0.5)]


class Engine:
    """Gives `pieces` with `pause_s` before each; breaks at "!", hangs at "~"; notes how it ends."""

    max_model_len = 100

    def __init__(self, *pieces: str, pause_s: float = 0.0, finish: bool = True) -> None:
        self.pieces, self.pause_s, self.finish = pieces, pause_s, finish
        self.asked: dict[str, Any] = {}
        self.left: str | None = None

    def count(self, text: str) -> int:
        return len(text.split())

    async def generate(
        self, before: str, item: MemoryItem, after: str, uuid: str, **options: Any
    ) -> AsyncGenerator[EngineOutput]:
        self.asked = {"before": before, "after": after, "uuid": uuid, "item": item, **options}
        try:
            for number, piece in enumerate(self.pieces):
                await asyncio.sleep(30 if piece == "~" else self.pause_s)
                if piece == "!":
                    raise EngineError("broken")
                last = self.finish and number == len(self.pieces) - 1
                yield EngineOutput(piece, 2, 15, 8, last, "length" if last else None)
            self.left = "finished"
        except asyncio.CancelledError:
            self.left = "cancelled"
            raise
        except GeneratorExit:
            self.left = "closed"
            raise


class Kit:
    """An answerer with its fake collaborators."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.grounder = Grounder()
        self.registry = CollectorRegistry()
        self.answerer = Answerer(
            engine,
            Family(),
            self.grounder,
            PrometheusTelemetry(self.registry),
            max_question_chars=50,
        )

    def ask(self, question: str = "what is there?", **changed: Any) -> AsyncGenerator[Any]:
        fields: dict[str, Any] = {
            "snapshot": make_snapshot(),
            "max_tokens": 20,
            "deadline_s": 5.0,
        } | changed
        return self.answerer.answer(AnswerRequest(question, **fields))

    async def all(self, question: str = "what is there?", **changed: Any) -> list[Any]:
        return [event async for event in self.ask(question, **changed)]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def outcome(self, name: str) -> float | None:
        return self.metric("flashstream_questions_total", outcome=name)


async def test_answers_that_end_together_are_grounded_one_after_another() -> None:
    kit = Kit(Engine("a dog"))
    kit.grounder.takes_s = 0.1
    await asyncio.gather(*(kit.all() for _ in range(3)))
    assert kit.grounder.most_at_once == 1


async def test_pieces_then_the_whole_answer() -> None:
    kit = Kit(Engine("a dog", "", " barks"))
    *pieces, done = await kit.all("  what is there? ")
    assert pieces == [TextDelta("a dog"), TextDelta(" barks")]
    assert isinstance(done, AnswerDone)
    assert (done.text, done.finish_reason) == ("a dog barks", "length")
    assert (done.prompt_tokens, done.cached_tokens, done.completion_tokens) == (15, 8, 6)
    assert 0 <= done.ttft_s <= done.total_s
    assert done.slots == ((len("a dog barks"), 0.5),)
    assert kit.engine.asked["after"] == "what is there?"
    assert kit.engine.asked["uuid"] == "gate:1:7:ab"
    assert kit.engine.asked["max_tokens"] == 20


async def test_metrics_of_an_answer() -> None:
    kit = Kit(Engine("a", "b"))
    await kit.all()
    assert kit.outcome("answered") == 1
    assert kit.metric("flashstream_ttft_seconds_count") == 1
    assert kit.metric("flashstream_answer_seconds_count") == 1
    tokens = {
        kind: kit.metric("flashstream_tokens_total", kind=kind)
        for kind in ("prompt", "cached", "completion")
    }
    assert tokens == {"prompt": 7, "cached": 8, "completion": 4}


async def test_the_answer_s_length_is_cut_to_the_room_beside_the_memory() -> None:
    kit = Kit(Engine("a"))
    await kit.all("three words here", max_tokens=1000)
    assert kit.engine.asked["max_tokens"] == 100 - 10 - 1 - 3


@pytest.mark.parametrize(
    ("question", "changed", "error"),
    [
        (" \n\t", {}, EmptyQuestionError),
        ("x" * 51, {}, QuestionTooLongError),
        ("what?", {"max_tokens": 0}, InvalidRequestError),
        ("what?", {"deadline_s": 0.0}, InvalidRequestError),
        ("what?", {"snapshot": make_snapshot("wrong")}, FingerprintError),
    ],
)
async def test_refusals_come_before_the_engine_is_asked(
    question: str, changed: dict[str, Any], error: type[FlashstreamError]
) -> None:
    kit = Kit(Engine("a"))
    with pytest.raises(error):
        await kit.all(question, **changed)
    assert kit.engine.asked == {}
    assert kit.outcome("refused") == 1


async def test_a_question_of_too_many_tokens_is_refused() -> None:
    engine = Engine("a")
    engine.max_model_len = 15
    kit = Kit(engine)
    with pytest.raises(QuestionTooLongError) as refusal:
        await kit.all("a b c d")  # 4 + 1 before + 10 of memory leave no room for an answer
    assert refusal.value.details == {"tokens": 5, "accepted": 4}
    await kit.all("a b c")


async def hear(kit: Kit, heard: list[str], deadline_s: float, listening_s: float) -> None:
    async for event in kit.ask(deadline_s=deadline_s):
        heard.append(event.text)
        await asyncio.sleep(listening_s)


async def test_deadline_stops_the_engine() -> None:
    kit = Kit(Engine("a", "b", "~"))
    heard: list[str] = []
    with pytest.raises(DeadlineExceededError) as late:
        await hear(kit, heard, deadline_s=1.5, listening_s=0.0)
    assert heard == ["a", "b"]
    assert late.value.details["tokens"] == 4
    assert kit.engine.left == "cancelled"
    assert kit.outcome("deadline") == 1


async def test_a_slow_listener_uses_up_the_deadline_but_is_not_cancelled() -> None:
    kit = Kit(Engine("a", "b"))
    heard: list[str] = []
    with pytest.raises(DeadlineExceededError):  # CancelledError, did the deadline leak out to us
        await hear(kit, heard, deadline_s=1.0, listening_s=1.2)
    assert heard == ["a"]
    assert kit.engine.left == "closed"


async def _leave(kit: Kit) -> None:
    async with aclosing(kit.ask()) as events:
        async for _ in events:
            break


async def _cancel(kit: Kit) -> None:
    task = asyncio.create_task(kit.all())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("go", "left"), [(_leave, "closed"), (_cancel, "cancelled")])
async def test_a_client_that_leaves_stops_the_engine(go: Callable[[Kit], Any], left: str) -> None:
    kit = Kit(Engine("a", "b", "c", pause_s=0.02 if go is _leave else 1.0))
    await go(kit)
    assert kit.engine.left == left
    assert kit.outcome("cancelled") == 1


@pytest.mark.parametrize("engine", [Engine("a", "!"), Engine("a", finish=False), Engine()])
async def test_an_answer_that_breaks_off_is_an_error(engine: Engine) -> None:
    kit = Kit(engine)
    with pytest.raises(EngineError):
        await kit.all()
    assert kit.outcome("failed") == 1


def test_the_gateway_s_imports_stay_free_of_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, flashstream.deployments.answerer; "
        "sys.exit(int(bool({'torch', 'vllm'} & set(sys.modules))))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path.cwd()).returncode == 0
