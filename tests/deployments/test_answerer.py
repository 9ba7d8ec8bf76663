"""The answerer in Ray Serve: streaming, errors across processes, and who stops what."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import ray
from ray import serve
from support.tiny_lm import CHANNELS, make_checkpoint
from support.tiny_replica import TinyReplica

from flashstream.deployments.answerer_client import AnswererClient
from flashstream.deployments.messages import AnswerDone, TextDelta
from flashstream.errors import (
    DeadlineExceededError,
    EmptyQuestionError,
    FingerprintError,
    FlashstreamError,
)
from flashstream.memory_store.snapshot import MemorySnapshot, Slots

pytestmark = pytest.mark.llm

TESTS = Path(__file__).parents[1]


def make_snapshot() -> MemorySnapshot:
    none = np.zeros(0)
    rows = 40
    return MemorySnapshot(
        stream="gate",
        epoch=1,
        version=7,
        as_of=100.0,
        uuid="gate:1:7:ab",
        fingerprint="tiny",
        frames_seen=7,
        features=np.ones((rows, CHANNELS), np.float16),
        parts=np.zeros(rows, np.int8),
        groups=np.zeros(rows, np.int32),
        times=np.zeros(rows),
        positions=np.zeros((rows, 3), np.int32),
        slots=Slots(none.astype(np.int32), none.astype(np.int64), none, none, none, ()),
    )


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = make_checkpoint(tmp_path_factory.mktemp("tiny"))
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        runtime_env={"env_vars": {"PYTHONPATH": str(TESTS)}},  # workers import the tiny model
        object_store_memory=128 << 20,
        log_to_driver=False,
        configure_logging=False,
    )
    serve.start(proxy_location="Disabled")
    deployment = serve.deployment(
        name="answerer",
        max_ongoing_requests=8,
        health_check_period_s=1,
        graceful_shutdown_timeout_s=2,
    )(TinyReplica)
    yield serve.run(deployment.bind(folder), name="tiny", route_prefix=None)
    serve.shutdown()
    ray.shutdown()


def ask(answerer: Any, question: str = "w5 w6", max_tokens: int = 6, **changed: Any) -> Any:
    snapshot = ray.put(dataclasses.replace(make_snapshot(), **changed))
    return AnswererClient(answerer).answer(snapshot, question, max_tokens, 60.0)


async def running(answerer: Any) -> int:
    count: int = await answerer.running.remote()
    return count


async def becomes(answerer: Any, count: int, seconds: float) -> bool:
    for _ in range(int(seconds * 50)):
        if await running(answerer) == count:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_an_answer_is_streamed(answerer: Any) -> None:
    await AnswererClient(answerer).ping(10.0)
    *pieces, done = [event async for event in ask(answerer)]
    assert all(isinstance(piece, TextDelta) for piece in pieces)
    assert isinstance(done, AnswerDone)
    assert "".join(piece.text for piece in pieces) == done.text
    assert (done.completion_tokens, done.finish_reason) == (6, "length")
    assert done.slots == ((3, 1.0),)
    again = [event async for event in ask(answerer, "w7")][-1]
    assert again.cached_tokens == 32


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"question": " "}, EmptyQuestionError), ({"fingerprint": "old"}, FingerprintError)],
)
async def test_a_refusal_arrives_as_our_own_error(
    answerer: Any, changed: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error) as refusal:
        await anext(ask(answerer, **changed))
    assert type(refusal.value) is error
    assert refusal.value.args[0]  # the message, not Ray's account of where it came from
    assert "ray" not in str(refusal.value)


async def _closes(events: Any) -> None:
    await events.aclose()


async def _is_cancelled(events: Any) -> None:
    async def rest() -> None:
        async for _ in events:
            pass

    task = asyncio.create_task(rest())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("leave", [_closes, _is_cancelled])
async def test_a_caller_that_leaves_frees_the_engine(
    answerer: Any, leave: Callable[[Any], Any]
) -> None:
    events = ask(answerer, max_tokens=4000)
    await anext(events)
    assert await running(answerer) == 1
    await leave(events)
    assert await becomes(answerer, 0, 2.0)


def replica() -> psutil.Process:
    (found,) = (
        process
        for process in psutil.Process().children(recursive=True)
        if " ".join(process.cmdline()).startswith("ray::ServeReplica:tiny")
    )
    return found


async def test_while_there_is_no_answerer_a_question_ends_at_its_deadline(answerer: Any) -> None:
    """Its replica stands still whole: it can be given no question, nor be asked how it is."""
    still = replica()
    still.suspend()
    try:
        events = AnswererClient(answerer).answer(ray.put(make_snapshot()), "w5", 6, 0.5)
        async with asyncio.timeout(20):
            with pytest.raises(DeadlineExceededError, match=r"no word within 0\.5 s") as late:
                await anext(events)
        assert late.value.details == {"deadline_s": 0.5, "tokens": 0}
    finally:
        still.resume()
    async with asyncio.timeout(60):
        while True:
            with suppress(FlashstreamError):
                *_, done = [event async for event in ask(answerer)]
                break
    assert done.completion_tokens == 6


async def test_an_engine_that_hangs_is_replaced_and_leaves_nothing_behind(answerer: Any) -> None:
    hung = replica()
    children = hung.children(recursive=True)  # not by title: see the test of the whole platform
    assert children
    for child in children:
        child.suspend()
    _, alive = await asyncio.to_thread(psutil.wait_procs, [hung, *children], timeout=60)
    assert not alive
    async with asyncio.timeout(120):
        while True:
            with suppress(FlashstreamError):
                *_, done = [event async for event in ask(answerer)]
                break
            await asyncio.sleep(0.5)
    assert done.completion_tokens == 6
    assert replica().pid != hung.pid


async def test_no_engine_process_outlives_its_replica(answerer: Any) -> None:
    """Last in this module: the replica is killed as if it had crashed."""
    killed = replica()
    children = killed.children(recursive=True)
    assert children
    killed.kill()
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not alive
