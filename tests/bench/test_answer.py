"""The measurement measures: a made-up engine of known speeds has to be found out."""

import asyncio
import selectors
from collections.abc import AsyncGenerator
from typing import Any, cast

import numpy as np
import pytest

from flashstream.bench.answer import AnswerBench, Sizes
from flashstream.bench.machine import machine_facts
from flashstream.bench.watching import WatchedStream
from flashstream.deployments.answering import Answerer
from flashstream.deployments.engine.engine import MemoryEngine
from flashstream.deployments.engine.output import EngineOutput
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import MemoryItem, ModelFamily, Prompt
from flashstream.telemetry import NullTelemetry

SIZES = Sizes(
    streams=2,
    completion_tokens=4,
    prefix_snapshots=8,
    young_frames=30,
    old_frames=200,
    flat_questions=8,
)


class Family:
    name = "toy"
    input_size, grid, channels = 32, 4, 8
    memory = StarConfig(
        spatial_grid=2, temporal_slots=4, temporal_grid=2, abstract_slots=2, retrieved_grid=2
    )

    def fingerprint(self) -> str:
        return "toy"

    def attention(self) -> None:
        return None

    def pack(self, snapshot: MemorySnapshot) -> MemoryItem:
        return MemoryItem(snapshot.features, np.zeros((1, 1), np.int64), 10)

    def prompt(self, question: str, snapshot: MemorySnapshot) -> Prompt:
        return Prompt(str(snapshot.version), question)


class Grounder:
    def rank(self, question: str, answer: str, snapshot: MemorySnapshot) -> list[tuple[int, float]]:
        return []


class Engine:
    """Reads a new memory in `read_s`, a known one in `reuse_s`; `at_once` answers run together."""

    max_model_len = 10_000

    def __init__(self, read_s: float, reuse_s: float, at_once: int, aging: float = 0.0) -> None:
        self.read_s, self.reuse_s, self.aging = read_s, reuse_s, aging
        self.places = asyncio.Semaphore(at_once)
        self.known: set[str] = set()
        self.now = self.max_running = 0
        self.closed = False

    def count(self, text: str) -> int:
        return 1

    async def reset_caches(self) -> None:
        self.known.clear()

    def reset_max_running(self) -> None:
        self.max_running = self.now

    async def generate(
        self, before: str, item: MemoryItem, after: str, uuid: str, *, max_tokens: int, **_: Any
    ) -> AsyncGenerator[EngineOutput]:
        async with self.places:
            self.now += 1
            self.max_running = max(self.max_running, self.now)
            aged = 1.0 + self.aging * (int(before) > 150)
            await asyncio.sleep((self.reuse_s if uuid in self.known else self.read_s) * aged)
            self.known.add(uuid)
            for made in range(1, max_tokens + 1):
                await asyncio.sleep(0.01)
                ended = made == max_tokens
                yield EngineOutput("a", 1, 12, 0, ended, "length" if ended else None)
            self.now -= 1

    def close(self) -> None:
        self.closed = True


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting for the next timer, moves the loop's clock to it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:  # only something outside the loop, a thread, can go on
            return super().select(None)
        events = super().select(0)
        if not events:
            self.now += max(timeout, 0.0)
        return events


class _Loop(asyncio.SelectorEventLoop):
    """Time passes only where a coroutine sleeps: figures come out exact on any machine."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def measure(read_s: float, reuse_s: float, at_once: int, aging: float = 0.0) -> dict[str, Any]:
    family = cast(ModelFamily, Family())
    steps: dict[str, float] = {}

    async def go() -> dict[str, Any]:
        engine = Engine(read_s, reuse_s, at_once, aging)
        clock = asyncio.get_running_loop().time
        answerer = Answerer(
            engine, family, Grounder(), NullTelemetry(), max_question_chars=99, clock=clock
        )
        bench = AnswerBench(
            cast(MemoryEngine, engine), answerer, family, SIZES, steps.__setitem__, clock
        )
        result = await bench.measure()
        assert engine.closed
        return result

    with asyncio.Runner(loop_factory=_Loop) as runner:
        result = runner.run(go())
    assert set(steps.values()) == {1.0}, "each step that was begun is reported as done"
    return result


def test_a_batching_reusing_flat_engine() -> None:
    result = measure(read_s=0.1, reuse_s=0.01, at_once=8)
    assert result["batch"]["max_running"] == 8
    assert result["batch"]["questions"] == 8
    # In a row: two snapshots read and six reused, four tokens each. Together: all of it at once.
    assert result["batch"]["throughput_ratio"] == pytest.approx((2 * 0.14 + 6 * 0.05) / 0.14)
    assert result["batch"]["serial_tokens_per_s"] == pytest.approx(32 / 0.58)
    assert result["prefix"]["ttft_ratio"] == pytest.approx(0.11 / 0.02)
    assert result["prefix"]["snapshots"] == 8
    assert result["flatness"]["ttft_ratio"] == pytest.approx(1.0)


def test_an_engine_that_does_nothing_of_it() -> None:
    result = measure(read_s=0.05, reuse_s=0.05, at_once=1, aging=1.0)
    assert result["batch"]["max_running"] == 1
    assert result["batch"]["throughput_ratio"] == pytest.approx(1.0)
    assert result["prefix"]["ttft_ratio"] == pytest.approx(1.0)
    assert result["flatness"]["ttft_ratio"] == pytest.approx(0.11 / 0.06)


def test_a_watched_stream_fills_every_slot_and_never_repeats_a_snapshot() -> None:
    stream = WatchedStream(cast(ModelFamily, Family()), "one", 3)
    stream.watch(60)
    first, second = stream.snapshot(), stream.snapshot()
    assert first.uuid != second.uuid
    assert len(second.slots.ids) == 4
    assert second.frames_seen == 62
    again = WatchedStream(cast(ModelFamily, Family()), "one", 3)
    again.watch(61)
    assert again.snapshot().uuid == second.uuid


def test_machine_facts_name_what_ran() -> None:
    facts = machine_facts()
    assert facts["cores"] >= 1
    assert facts["cpu"]
    assert {"torch", "flashstream"} <= set(facts["versions"])
