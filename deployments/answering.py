"""Answers questions from memory snapshots."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Protocol

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
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import Grounder, MemoryItem, Prompt
from flashstream.telemetry import ANSWER_SECONDS, QUESTIONS, TOKENS, TTFT_SECONDS, Telemetry


class Engine(Protocol):
    """What the answerer needs of `MemoryEngine`."""

    max_model_len: int

    def count(self, text: str) -> int: ...

    def generate(
        self,
        before: str,
        item: MemoryItem,
        after: str,
        uuid: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        ignore_eos: bool = False,
    ) -> AsyncGenerator[EngineOutput]: ...


class Packer(Protocol):
    """What the answerer needs of a `ModelFamily`."""

    def fingerprint(self) -> str: ...

    def pack(self, snapshot: MemorySnapshot) -> MemoryItem: ...

    def prompt(self, question: str, snapshot: MemorySnapshot) -> Prompt: ...


class Answerer:
    """Checks a question, packs the memory it is about, and streams the answer."""

    def __init__(
        self,
        engine: Engine,
        family: Packer,
        grounder: Grounder,
        telemetry: Telemetry,
        *,
        max_question_chars: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._family = family
        self._fingerprint = family.fingerprint()
        self._grounder = grounder
        self._telemetry = telemetry
        self._max_question_chars = max_question_chars
        self._clock = clock
        # One: a grounder may load what it needs when it is first asked.
        self._ranking = ThreadPoolExecutor(1, thread_name_prefix="grounder")

    async def answer(self, request: AnswerRequest) -> AsyncGenerator[TextDelta | AnswerDone]:
        """Pieces of the answer as they come, then `AnswerDone`.

        The engine stops working on it when the iterator is closed, the caller is cancelled or the
        deadline passes. Raises before the first piece: `EmptyQuestionError`,
        `QuestionTooLongError` (characters, or tokens beside the memory), `InvalidRequestError`,
        `FingerprintError` (the memory is another model's); at any time: `DeadlineExceededError`,
        `EngineError`.
        """
        outcome = "failed"
        try:
            async with aclosing(self._answer(request)) as events:
                async for event in events:
                    yield event
            outcome = "answered"
        except DeadlineExceededError:
            outcome = "deadline"
            raise
        except FlashstreamError as failure:
            outcome = "refused" if failure.status < 500 else "failed"
            raise
        except (asyncio.CancelledError, GeneratorExit):
            outcome = "cancelled"
            raise
        finally:
            self._telemetry.add(QUESTIONS, outcome=outcome)

    async def _answer(self, request: AnswerRequest) -> AsyncGenerator[TextDelta | AnswerDone]:
        begun = self._clock()
        item, prompt, max_tokens = self._admit(request)
        pieces: list[str] = []
        completion, first_s, last = 0, None, None
        async with aclosing(
            self._engine.generate(
                prompt.before, item, prompt.after, request.snapshot.uuid, max_tokens=max_tokens
            )
        ) as outputs:
            while (output := await self._next(outputs, request, begun, completion)) is not None:
                last = output
                completion += output.tokens
                if first_s is None and output.tokens:
                    first_s = self._clock() - begun
                    self._telemetry.observe(TTFT_SECONDS, first_s)
                if output.text:
                    pieces.append(output.text)
                    yield TextDelta(output.text)
        if last is None or not last.finished or first_s is None:
            raise EngineError("the language model's engine ended an answer without finishing it")
        total_s = self._clock() - begun
        self._telemetry.observe(ANSWER_SECONDS, total_s)
        self._telemetry.add(TOKENS, last.prompt_tokens - last.cached_tokens, kind="prompt")
        self._telemetry.add(TOKENS, last.cached_tokens, kind="cached")
        self._telemetry.add(TOKENS, completion, kind="completion")
        text = "".join(pieces)
        slots = await asyncio.get_running_loop().run_in_executor(
            self._ranking, self._grounder.rank, request.question, text, request.snapshot
        )
        yield AnswerDone(
            text=text,
            finish_reason=last.finish_reason or "stop",
            prompt_tokens=last.prompt_tokens,
            cached_tokens=last.cached_tokens,
            completion_tokens=completion,
            ttft_s=first_s,
            total_s=total_s,
            slots=tuple(slots),
        )

    def _admit(self, request: AnswerRequest) -> tuple[MemoryItem, Prompt, int]:
        """Check the request; the item, the prompt, and the answer's longest length."""
        question = request.question.strip()
        if not question:
            raise EmptyQuestionError("the question is empty; ask something in words")
        if len(question) > self._max_question_chars:
            raise QuestionTooLongError(
                f"the question has {len(question)} characters; "
                f"at most {self._max_question_chars} are accepted",
                max_question_chars=self._max_question_chars,
            )
        if request.max_tokens < 1 or request.deadline_s <= 0:
            raise InvalidRequestError(
                f"max_tokens is {request.max_tokens} and deadline_s {request.deadline_s:g}; "
                "accepted: 1 or more, and above 0"
            )
        snapshot = request.snapshot
        if snapshot.fingerprint != self._fingerprint:
            raise FingerprintError(
                f"the memory of stream '{snapshot.stream}' was written by model "
                f"{snapshot.fingerprint!r}; this answerer runs {self._fingerprint!r}",
                stream=snapshot.stream,
                memory=snapshot.fingerprint,
                answerer=self._fingerprint,
            )
        item = self._family.pack(snapshot)
        prompt = self._family.prompt(question, snapshot)
        text = self._engine.count(prompt.before) + self._engine.count(prompt.after)
        room = self._engine.max_model_len - text - item.tokens
        if room < 1:
            accepted = self._engine.max_model_len - item.tokens - 1
            raise QuestionTooLongError(
                f"the question takes {text} tokens with the words around it; beside this "
                f"memory at most {accepted} are accepted",
                tokens=text,
                accepted=accepted,
            )
        return item, prompt, min(request.max_tokens, room)

    async def _next(
        self,
        outputs: AsyncGenerator[EngineOutput],
        request: AnswerRequest,
        begun: float,
        completion: int,
    ) -> EngineOutput | None:
        left = request.deadline_s - (self._clock() - begun)
        try:
            # Around one step, never around a yield: there it would cancel the caller's own work.
            async with asyncio.timeout(left):
                if left > 0:
                    return await anext(outputs, None)
        except TimeoutError:
            pass
        raise DeadlineExceededError(
            f"the answer was not complete within {request.deadline_s:g} s "
            f"({completion} tokens were made)",
            deadline_s=request.deadline_s,
            tokens=completion,
        )
