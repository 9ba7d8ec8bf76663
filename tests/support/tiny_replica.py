"""An answerer replica on the tiny model; Ray's workers import it by name."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import numpy as np

from flashstream.deployments.answerer import AnswererReplica
from flashstream.deployments.answering import Answerer
from flashstream.deployments.engine.engine import MemoryEngine
from flashstream.deployments.engine.settings import EngineSettings
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import MemoryItem, Prompt
from flashstream.telemetry import NullTelemetry


class TinyFamily:
    """Takes a snapshot's features as they are; knows one question, "long", that never ends."""

    def fingerprint(self) -> str:
        return "tiny"

    def pack(self, snapshot: MemorySnapshot) -> MemoryItem:
        rows = len(snapshot.features)
        return MemoryItem(snapshot.features, np.zeros((rows, 2), np.int64), rows)

    def prompt(self, question: str, snapshot: MemorySnapshot) -> Prompt:
        return Prompt("w1 w2", question)


class EveryPicture:
    def rank(self, question: str, answer: str, snapshot: MemorySnapshot) -> list[tuple[int, float]]:
        return [(3, 1.0)]


class EndlessEngine(MemoryEngine):
    """Goes on past the end token, so that only a limit or an abort ends an answer."""

    async def generate(self, *args: Any, **options: Any) -> AsyncGenerator[Any]:
        async for output in super().generate(*args, **options | {"ignore_eos": True}):
            yield output


class TinyReplica(AnswererReplica):
    def __init__(self, folder: Path) -> None:
        self._engine = EndlessEngine.start(
            folder,
            EngineSettings(
                max_model_len=4096, kv_cache_mb=64, dtype="float32", threads=1, stall_s=3.0
            ),
            ray_metrics=True,
        )
        self._answerer = Answerer(
            self._engine, TinyFamily(), EveryPicture(), NullTelemetry(), max_question_chars=99
        )
