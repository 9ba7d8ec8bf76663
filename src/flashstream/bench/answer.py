"""Answers measured: batching, prefix reuse, and flatness over a stream's life.

Each figure has its baseline in the same run, on the same engine, with the same questions.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from statistics import median
from typing import Any

from flashstream.bench.machine import machine_facts
from flashstream.bench.watching import WatchedStream
from flashstream.config import Settings
from flashstream.deployments.answering import Answerer
from flashstream.deployments.engine.engine import MemoryEngine
from flashstream.deployments.messages import AnswerDone, AnswerRequest
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import ModelFamily
from flashstream.models.registry import configured
from flashstream.telemetry import NullTelemetry

Report = Callable[[str, float], None]

QUESTIONS = (
    "What is there now?",
    "What came first?",
    "Has a dog been there?",
    "What was there one minute ago?",
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; the defaults are those of the published figures."""

    streams: int = 4
    completion_tokens: int = 32
    prefix_snapshots: int = 12
    young_frames: int = 100
    old_frames: int = 20_000
    flat_questions: int = 16


def run(settings: Settings, report: Report, sizes: Sizes | None = None) -> dict[str, Any]:
    """Load the configured model and measure it; takes about two minutes on two cores.

    Returns {"batch": …, "prefix": …, "flatness": …, "machine": …, "model": …}.
    """
    facts = machine_facts()
    family = configured(settings)
    family.check()
    folder = family.prepare(settings.cache_dir, report)
    report("language model", 0.0)
    engine = MemoryEngine.start(folder, settings.engine)
    report("language model", 1.0)
    answerer = Answerer(
        engine,
        family,
        family.grounder(folder),
        NullTelemetry(),
        max_question_chars=settings.answers.max_question_chars,
    )
    bench = AnswerBench(engine, answerer, family, sizes or Sizes(), report)
    return {
        **asyncio.run(bench.measure()),
        "machine": facts,
        "model": {
            "family": family.name,
            "fingerprint": family.fingerprint(),
            "engine": settings.engine.model_dump(),
        },
    }


class AnswerBench:
    """The three measurements on one engine, which it closes at the end."""

    def __init__(
        self,
        engine: MemoryEngine,
        answerer: Answerer,
        family: ModelFamily,
        sizes: Sizes,
        report: Report,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._engine = engine
        self._answerer = answerer
        self._family = family
        self._sizes = sizes
        self._report = report
        self._clock = clock

    async def measure(self) -> dict[str, Any]:
        try:
            await self._warm()
            return {
                "batch": await self._batch(),
                "prefix": await self._prefix(),
                "flatness": await self._flatness(),
            }
        finally:
            self._engine.close()

    async def _warm(self) -> None:
        """The first requests pay for buffers and lazy loading; they are nobody's baseline."""
        stream = self._stream("warm", self._sizes.young_frames)
        for _ in range(2):
            snapshot = stream.snapshot()
            await asyncio.gather(*(self._ttft(snapshot, question) for question in QUESTIONS))

    # --- batch -----------------------------------------------------------------------------

    async def _batch(self) -> dict[str, Any]:
        """All questions of all streams at once, over the same one after another.

        Both begin with empty caches and make the same number of tokens.
        """
        sizes = self._sizes
        snapshots = [
            self._stream(f"batch-{n}", sizes.young_frames, n).snapshot()
            for n in range(sizes.streams)
        ]
        asked = [(snapshot, question) for question in QUESTIONS for snapshot in snapshots]
        await self._engine.reset_caches()
        began = self._clock()
        for done, (snapshot, question) in enumerate(asked):
            self._report("one after another", done / len(asked))
            await self._complete(snapshot, question)
        serial_s = self._clock() - began
        self._report("one after another", 1.0)
        await self._engine.reset_caches()
        self._engine.reset_max_running()
        self._report("all at once", 0.0)
        began = self._clock()
        await asyncio.gather(*(self._complete(*each) for each in asked))
        concurrent_s = self._clock() - began
        self._report("all at once", 1.0)
        tokens = len(asked) * sizes.completion_tokens
        return {
            "throughput_ratio": serial_s / concurrent_s,
            "max_running": self._engine.max_running,
            "questions": len(asked),
            "streams": sizes.streams,
            "completion_tokens_each": sizes.completion_tokens,
            "serial_s": serial_s,
            "concurrent_s": concurrent_s,
            "serial_tokens_per_s": tokens / serial_s,
            "concurrent_tokens_per_s": tokens / concurrent_s,
        }

    async def _complete(self, snapshot: MemorySnapshot, question: str) -> None:
        prompt = self._family.prompt(question, snapshot)
        made = 0
        async with aclosing(
            self._engine.generate(
                prompt.before,
                self._family.pack(snapshot),
                prompt.after,
                snapshot.uuid,
                max_tokens=self._sizes.completion_tokens,
                ignore_eos=True,
            )
        ) as outputs:
            async for output in outputs:
                made += output.tokens
        if made != self._sizes.completion_tokens:
            raise RuntimeError(f"an answer of {made} tokens cannot be compared")

    # --- prefix ----------------------------------------------------------------------------

    async def _prefix(self) -> dict[str, Any]:
        """The first question on a snapshot over the second, for many snapshots."""
        first: list[AnswerDone] = []
        second: list[AnswerDone] = []
        for number in range(self._sizes.prefix_snapshots):
            self._report("prefix reuse", number / self._sizes.prefix_snapshots)
            stream = self._stream(f"prefix-{number}", self._sizes.young_frames, 50 + number)
            snapshot = stream.snapshot()
            first.append(await self._ttft(snapshot, QUESTIONS[number % 4]))
            second.append(await self._ttft(snapshot, QUESTIONS[(number + 1) % 4]))
        self._report("prefix reuse", 1.0)
        ratios = [one.ttft_s / two.ttft_s for one, two in zip(first, second, strict=True)]
        return {
            "ttft_ratio": median(ratios),
            "snapshots": len(ratios),
            "first_ttft_s": median(done.ttft_s for done in first),
            "second_ttft_s": median(done.ttft_s for done in second),
            "prompt_tokens": median(done.prompt_tokens for done in second),
            "cached_tokens": median(done.cached_tokens for done in second),
            "ratios": ratios,
        }

    # --- flatness --------------------------------------------------------------------------

    async def _flatness(self) -> dict[str, Any]:
        """A stream's first token after a long life over the same after a short one.

        One question a snapshot, by turns on the young and the old stream, so that whatever else
        the machine does meets both.
        """
        sizes = self._sizes
        young = self._stream("young", sizes.young_frames, 90)
        old = self._stream("old", 0, 91)
        step = max(sizes.old_frames // 20, 1)
        while old.memory.version < sizes.old_frames:
            old.watch(min(step, sizes.old_frames - old.memory.version))
            self._report("a long life", old.memory.version / sizes.old_frames)
            await asyncio.sleep(0)
        heard: dict[str, list[AnswerDone]] = {"young": [], "old": []}
        for number in range(sizes.flat_questions):
            self._report("flatness", number / sizes.flat_questions)
            turn = [("young", young), ("old", old)]
            for name, stream in turn if number % 2 else reversed(turn):
                heard[name].append(await self._ttft(stream.snapshot(), QUESTIONS[number % 4]))
        self._report("flatness", 1.0)
        return {
            "ttft_ratio": _median_ttft(heard["old"]) / _median_ttft(heard["young"]),
            "frames": {"young": sizes.young_frames, "old": sizes.old_frames},
            "questions_each": sizes.flat_questions,
            "young_ttft_s": _median_ttft(heard["young"]),
            "old_ttft_s": _median_ttft(heard["old"]),
            "young_prompt_tokens": median(done.prompt_tokens for done in heard["young"]),
            "old_prompt_tokens": median(done.prompt_tokens for done in heard["old"]),
        }

    # --- shared ----------------------------------------------------------------------------

    def _stream(self, name: str, frames: int, seed: int = 0) -> WatchedStream:
        stream = WatchedStream(self._family, f"bench-{name}", seed)
        stream.watch(frames)
        return stream

    async def _ttft(self, snapshot: MemorySnapshot, question: str) -> AnswerDone:
        request = AnswerRequest(question, snapshot, max_tokens=1, deadline_s=600.0)
        async with aclosing(self._answerer.answer(request)) as events:
            async for event in events:
                if isinstance(event, AnswerDone):
                    return event
        raise RuntimeError("the answerer ended without an answer")


def _median_ttft(answers: Sequence[AnswerDone]) -> float:
    return median(done.ttft_s for done in answers)
