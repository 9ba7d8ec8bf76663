"""What the gateway can do, behind HTTP: snapshots, questions, and (`Streams`) streams."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from flashstream.actors.calls import unwrap
from flashstream.actors.clients import EncoderClient
from flashstream.config import Settings
from flashstream.deployments import schemas
from flashstream.deployments.admission import Admission
from flashstream.deployments.answerer_client import AnswererClient
from flashstream.deployments.evidence import evidence_stretches
from flashstream.deployments.messages import AnswerDone, TextDelta
from flashstream.deployments.streams import Streams, when
from flashstream.errors import (
    DeadlineExceededError,
    EmptyQuestionError,
    InvalidRequestError,
    NotReadyError,
    OverloadedError,
    QuestionTooLongError,
    UnknownEvidenceError,
    UnknownStreamError,
)
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.store import MemoryStore
from flashstream.models.family import ModelFamily
from flashstream.telemetry import QUESTIONS, Telemetry

_PING_S = 5.0


class Service:
    """The streams and the answerer of one platform."""

    def __init__(
        self,
        settings: Settings,
        family: ModelFamily,
        store: MemoryStore,
        answerer: AnswererClient,
        telemetry: Telemetry,
    ) -> None:
        self.streams = Streams(settings)
        self._settings = settings
        self._family = family
        self._store = store
        self._answerer = answerer
        self._telemetry = telemetry
        self._admission = Admission(
            settings.answers.max_ongoing, settings.engine.max_num_seqs * settings.answers.replicas
        )

    # --- memory --------------------------------------------------------------------------------

    async def memory(self, stream: str) -> schemas.Memory:
        snapshot = await self.streams.call(stream, lambda watcher: watcher.snapshot())
        slots = snapshot.slots
        return schemas.Memory(
            stream=stream,
            version=snapshot.version,
            as_of=when(snapshot.as_of),
            frames_seen=snapshot.frames_seen,
            uuid=snapshot.uuid,
            fingerprint=snapshot.fingerprint,
            tokens=self._family.pack(snapshot).tokens,
            slots=[
                schemas.Slot(
                    id=int(slots.ids[row]),
                    weight=int(slots.weights[row]),
                    start=when(slots.first_s[row]),
                    mean=when(slots.mean_s[row]),
                    end=when(slots.last_s[row]),
                    images=[_image(stream, picture) for picture in slots.pictures[row]],
                )
                for row in range(len(slots.ids))
            ],
        )

    async def picture(self, stream: str, picture: str) -> bytes:
        jpeg = await self.streams.call(stream, lambda watcher: watcher.picture(picture))
        if jpeg is None:
            raise UnknownEvidenceError(
                f"stream '{stream}' has no picture '{picture[:80]}' (any more)",
                stream=stream,
                picture=picture[:80],
            )
        return jpeg

    # --- questions -----------------------------------------------------------------------------

    async def ask(
        self, stream: str, ask: schemas.Ask
    ) -> AsyncGenerator[TextDelta | schemas.Answer]:
        """Pieces of the answer's text as they come, then the whole answer.

        All that can be refused is refused before the first piece.
        """
        max_tokens, deadline_s = self._checked(ask)
        try:
            self._admission.enter(deadline_s)
        except OverloadedError:
            self._telemetry.add(QUESTIONS, outcome="overloaded")
            raise
        answered = False
        try:
            snapshot, whole = await self.streams.call(stream, lambda w: w.snapshot_to_ask())
            age_s = max(0.0, time.time() - snapshot.as_of)
            async with aclosing(
                self._answerer.answer(whole, ask.question, max_tokens, deadline_s)
            ) as events:
                async for event in events:
                    if isinstance(event, AnswerDone):
                        answered = True
                        if event.total_s <= deadline_s / 2:
                            self._admission.at_ease()
                        yield await self._answer(snapshot, age_s, event)
                    else:
                        yield event
        except DeadlineExceededError as failure:
            # One that was given less time than others says nothing of them.
            longest_s = self._settings.answers.deadline_s
            if deadline_s == longest_s and failure.details.get("tokens") == 0:
                self._admission.unheard()
            raise
        finally:
            self._admission.leave(answered=answered)

    def _checked(self, ask: schemas.Ask) -> tuple[int, float]:
        limits = self._settings.answers
        if not ask.question.strip():
            raise EmptyQuestionError("'question' is empty; ask something in words")
        if len(ask.question) > limits.max_question_chars:
            raise QuestionTooLongError(
                f"'question' has {len(ask.question)} characters; "
                f"at most {limits.max_question_chars} are accepted",
                max_question_chars=limits.max_question_chars,
            )
        max_tokens = ask.max_tokens or limits.default_max_tokens
        if max_tokens > limits.max_tokens:
            raise InvalidRequestError(
                f"'max_tokens' is {max_tokens}; at most {limits.max_tokens} are accepted",
                max_tokens=limits.max_tokens,
            )
        return max_tokens, min(ask.deadline_s or limits.deadline_s, limits.deadline_s)

    async def _answer(
        self, snapshot: MemorySnapshot, age_s: float, done: AnswerDone
    ) -> schemas.Answer:
        stretches = evidence_stretches(snapshot.slots, done.slots)
        kept = await self._kept(
            snapshot.stream, tuple(each.picture for each in stretches if each.picture)
        )
        return schemas.Answer(
            answer=done.text,
            finish_reason=done.finish_reason,
            memory=schemas.MemoryInfo(
                version=snapshot.version, as_of=when(snapshot.as_of), age_s=age_s
            ),
            evidence=[
                schemas.Evidence(
                    start=when(stretch.start_s),
                    end=when(stretch.end_s),
                    image=_image(snapshot.stream, stretch.picture)
                    if stretch.picture in kept
                    else None,
                )
                for stretch in stretches
            ],
            usage=schemas.Usage(
                prompt_tokens=done.prompt_tokens,
                cached_tokens=done.cached_tokens,
                completion_tokens=done.completion_tokens,
            ),
            timings=schemas.Timings(ttft_s=done.ttft_s, total_s=done.total_s),
        )

    async def _kept(self, stream: str, pictures: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return await self.streams.call(stream, lambda w: w.keep_pictures(pictures))
        except (NotReadyError, UnknownStreamError):
            return ()  # the answer is good without; its pictures went with their watcher

    # --- health --------------------------------------------------------------------------------

    async def readiness(self) -> schemas.Readiness:
        """Asks each part; a part that does not answer is named with the reason."""
        parts = {
            "store": asyncio.to_thread(self._store.ping),
            "fleet": self._ping_fleet(),
            "answerer": self._answerer.ping(_PING_S),
        }
        if self._settings.encoder.placement == "shared":
            parts["encoder"] = self._ping_encoder()
        results = await asyncio.gather(*parts.values(), return_exceptions=True)
        failed = {
            part: str(unwrap(result)) or type(result).__name__
            for part, result in zip(parts, results, strict=True)
            if isinstance(result, BaseException)
        }
        return schemas.Readiness(ready=not failed, not_ready=failed)

    async def _ping_fleet(self) -> None:
        await self.streams.fleet().ping()

    async def _ping_encoder(self) -> None:
        await EncoderClient.named(self._settings.ray.namespace).ping()


def _image(stream: str, picture: str) -> str:
    return f"/v1/streams/{stream}/evidence/{picture}.jpg"
