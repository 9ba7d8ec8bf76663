"""Questions to the product's answerer."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from flashstream.config import Settings
from flashstream.deployments.answering import Answerer
from flashstream.deployments.engine.engine import MemoryEngine
from flashstream.deployments.messages import AnswerDone, AnswerRequest
from flashstream.errors import EngineError
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import ModelFamily, Progress
from flashstream.telemetry import NullTelemetry

_DEADLINE_S = 3600.0  # nobody waits: a slow machine shall take longer, not fail
_MAX_CHARS = 1_000_000  # subtitles are long; what the model cannot take is refused by its tokens


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer's text, and what it took."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Respondent(Protocol):
    """Whoever answers."""

    async def answer(self, text: str, snapshot: MemorySnapshot) -> Reply:
        """Raises `FlashstreamError`; `QuestionTooLongError` is counted as no answer."""
        ...


class AnswererRespondent:
    """The product's `Answerer`, in this process."""

    def __init__(self, answerer: Answerer, *, max_tokens: int) -> None:
        self._answerer = answerer
        self._max_tokens = max_tokens

    async def answer(self, text: str, snapshot: MemorySnapshot) -> Reply:
        """See `Respondent`."""
        request = AnswerRequest(text, snapshot, self._max_tokens, _DEADLINE_S)
        async with aclosing(self._answerer.answer(request)) as events:
            async for event in events:
                if isinstance(event, AnswerDone):
                    return Reply(event.text.strip(), event.prompt_tokens, event.completion_tokens)
        raise EngineError("the answerer ended without an answer")


class NoEvidence:
    """A `Grounder` that looks for no pictures: nobody looks at them here."""

    def rank(self, question: str, answer: str, snapshot: MemorySnapshot) -> list[tuple[int, float]]:
        """Nothing."""
        return []


@asynccontextmanager
async def respondent(
    family: ModelFamily, settings: Settings, max_tokens: int, report: Progress
) -> AsyncIterator[Respondent]:
    """The configured family's language model in an engine of its own, until the block ends.

    Raises `MissingPackageError`, `EngineError`.
    """
    folder = family.prepare(settings.cache_dir, report)
    report("starting the language model", 0.0)
    # Nothing else runs while an evaluation asks.
    engine = MemoryEngine.start(folder, settings.engine.model_copy(update={"idle_threads": "spin"}))
    report("starting the language model", 1.0)
    answerer = Answerer(
        engine, family, NoEvidence(), NullTelemetry(), max_question_chars=_MAX_CHARS
    )
    try:
        yield AnswererRespondent(answerer, max_tokens=max_tokens)
    finally:
        engine.close()
