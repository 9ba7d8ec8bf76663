"""Questions through the product's own answerer."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from support import published_data as data
from support.published_model import ColourFamily, ColourModel, quiet

from flashstream.config import Settings
from flashstream.deployments.answering import Answerer
from flashstream.deployments.engine.output import EngineOutput
from flashstream.errors import EngineError
from flashstream.evals.published.asking import AnswererRespondent, NoEvidence
from flashstream.evals.published.benchmark import benchmark
from flashstream.evals.published.run import run
from flashstream.evals.published.selection import Options
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import MemoryItem, Prompt
from flashstream.telemetry import NullTelemetry


class Packing(ColourFamily):
    def pack(self, snapshot: MemorySnapshot) -> MemoryItem:
        return MemoryItem(snapshot.features, snapshot.positions.astype("int64"), 10)

    def prompt(self, question: str, snapshot: MemorySnapshot) -> Prompt:
        return Prompt("", question)


class Engine:
    """Counts words as tokens; ends after "B" unless it is to break off."""

    def __init__(self, max_model_len: int, whole: bool = True) -> None:
        self.max_model_len = max_model_len
        self.whole = whole

    def count(self, text: str) -> int:
        return len(text.split())

    async def generate(self, *_: Any, **options: Any) -> AsyncGenerator[EngineOutput]:
        yield EngineOutput(" B", 1, 30, 0, self.whole, "stop" if self.whole else None)


class Model(ColourModel):
    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def respondent(self, max_tokens: int) -> Any:
        from contextlib import nullcontext

        answerer = Answerer(
            self.engine, Packing(), NoEvidence(), NullTelemetry(), max_question_chars=10_000
        )
        return nullcontext(AnswererRespondent(answerer, max_tokens=max_tokens))


def go(folder: Path, engine: Engine) -> dict[str, Any]:
    data.lvbench(folder)
    options = Options(folder, folder / "run", "test")
    return run(benchmark("lvbench"), options, Settings(), quiet, Model(engine))


def test_answers_come_from_the_answerer_with_their_tokens(tmp_path: Path) -> None:
    result = go(tmp_path, Engine(1000))
    assert result["overall"]["accuracy"] == 0.5
    assert result["calls"]["model_prompt_tokens"] == 60
    assert result["calls"]["model_completion_tokens"] == 2


def test_a_question_that_does_not_fit_beside_the_memory_is_wrong_and_counted(
    tmp_path: Path,
) -> None:
    # 10 tokens of memory, 22 words of the first question and 23 of the second, one of an answer.
    result = go(tmp_path, Engine(10 + 22 + 1))
    assert result["overall"] == {"accuracy": 0.5, "questions": 2, "marked": 2, "refused": 1}


def test_an_answer_that_breaks_off_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="without finishing"):
        go(tmp_path, Engine(1000, whole=False))
