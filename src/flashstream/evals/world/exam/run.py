"""The exam: from worlds to scores."""

import asyncio
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from flashstream.config import Settings
from flashstream.errors import SettingError
from flashstream.evals.published.asking import Reply, Respondent, respondent
from flashstream.evals.world.exam import policies as memories
from flashstream.evals.world.exam import sights
from flashstream.evals.world.exam.asking import Call, ask, calls
from flashstream.evals.world.exam.scores import shares
from flashstream.evals.world.exam.sitting import sit_all
from flashstream.evals.world.exam.worlds import LENGTHS, Length, Paper, label, paper
from flashstream.evals.world.splits import split_named
from flashstream.models.family import ModelFamily, Progress
from flashstream.models.registry import configured

MAX_TOKENS = 64
"""Longest answer: the longest true one has 60 tokens."""

OpenRespondent = Callable[
    [ModelFamily, Settings, int, Progress], AbstractAsyncContextManager[Respondent]
]
"""Who answers; see `published.asking.respondent`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is examined. policies: names of `policies`; of_each, seed: see `worlds.paper`;
    features: see `sights.sights`; workers: processes, by default one for each core, or one if the
    encoder is not on the CPU; lengths: of the worlds."""

    split: str = "test"
    policies: Sequence[str] = memories.USUAL
    of_each: int | None = None
    seed: int = 0
    features: Path | None = None
    workers: int | None = None
    lengths: tuple[Length, ...] = LENGTHS


def run(
    options: Options,
    settings: Settings,
    report: Progress,
    *,
    family: ModelFamily | None = None,
    answering: OpenRespondent = respondent,
) -> dict[str, Any]:
    """Watch, ask and score.

    Returns `scores.shares` and, beside it, "items" (each question with all answers), "tokens",
    "worlds", "split", "seed", "policies", "model", "machine" and "seconds" by stage.
    Raises `SettingError`, `InvalidRequestError` or `MissingPackageError` before any work;
    `BenchmarkDataError` for damaged features; `EngineError`.
    """
    split = split_named(options.split)
    names = memories.check(options.policies)
    if options.workers is not None and options.workers < 1:
        raise SettingError(f"{options.workers} processes; 1 or more are taken")
    family = family or configured(settings)
    family.check()
    device = settings.device()
    clock = Stopwatch()
    report("making up the questions", 0.0)
    exam = paper(split, options.seed, of_each=options.of_each, lengths=options.lengths)
    report("making up the questions", 1.0)
    sights.check(options.features)
    folder = family.prepare(settings.cache_dir, report)
    clock.lap("preparing")
    found = sit_all(
        exam,
        memories.remembering(names),
        family,
        report,
        device=device,
        workers=options.workers or ((os.cpu_count() or 1) if device == "cpu" else 1),
        features=options.features,
        seed=options.seed,
    )
    clock.lap("watching")
    made = calls(exam, found, names, family)
    replies = asyncio.run(_answers(made, family, settings, report, answering))
    clock.lap("asking")
    right = {name: np.zeros(len(exam.questions), np.bool_) for name in names}
    for call, reply in zip(made, replies, strict=True):
        right[call.policy][call.question] = exam.questions[call.question].question.right(reply.text)
    return {
        "split": split,
        "seed": options.seed,
        **shares(exam.questions, right, options.seed),
        "tokens": _tokens(made, family),
        "rows": family.memory.tokens,
        "memory": json.loads(family.memory.model_dump_json()),  # no limit is null there
        "model": {"family": family.name, "encoder": family.fingerprint(), "files": folder.name},
        "machine": _machine(),
        "worlds": _worlds(exam),
        "seconds": clock.laps,
        "items": _items(exam, made, replies, right),
    }


async def _answers(
    made: Sequence[Call],
    family: ModelFamily,
    settings: Settings,
    report: Progress,
    answering: OpenRespondent,
) -> list[Reply]:
    async with answering(family, settings, MAX_TOKENS, report) as asked:
        return await ask(asked, made, report, at_once=settings.engine.max_num_seqs)


class Stopwatch:
    """Seconds of each stage, one after another."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        """The stage of that name ends now."""
        now = time.monotonic()
        self.laps[name] = round(now - self._since, 1)
        self._since = now


def _tokens(made: Sequence[Call], family: ModelFamily) -> dict[str, int]:
    """By policy, the most tokens that the language model read of a memory."""
    snapshots = {call.snapshot.uuid: call for call in made}
    most: dict[str, int] = {}
    for call in snapshots.values():
        tokens = family.pack(call.snapshot).tokens
        most[call.policy] = max(tokens, most.get(call.policy, 0))
    return {name: most[name] for name in dict.fromkeys(call.policy for call in made)}


def _machine() -> dict[str, Any]:
    return {
        "cpu": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "flashstream": version("flashstream"),
    }


def _worlds(exam: Paper) -> list[dict[str, Any]]:
    return [
        {
            "name": label(world),
            "length_s": world.spec.length_s,
            "fps": world.spec.fps,
            "frames": len(world),
            "visits": len(world.timeline.visits),
            "questions": sum(each.world == number for each in exam.questions),
        }
        for number, world in enumerate(exam.worlds)
    ]


def _items(
    exam: Paper, made: Sequence[Call], replies: Sequence[Reply], right: dict[str, Any]
) -> list[dict[str, Any]]:
    """One for each question: what was asked, what is true, what each policy said."""
    said: list[dict[str, str]] = [{} for _ in exam.questions]
    for call, reply in zip(made, replies, strict=True):
        said[call.question][call.policy] = reply.text
    return [
        {
            "world": label(exam.worlds[asked.world]),
            "kind": asked.question.kind,
            "horizon": asked.horizon,
            "moment_s": asked.question.moment_s,
            "question": asked.question.text,
            "answer": asked.question.answer.text,
            "said": {name: said[number][name] for name in right},
            "right": [name for name, hits in right.items() if hits[number]],
        }
        for number, asked in enumerate(exam.questions)
    ]
