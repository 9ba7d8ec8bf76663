"""The answerer as a Ray Serve deployment; what it does is in `Answerer`."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from flashstream.config import Settings
from flashstream.deployments.answering import Answerer
from flashstream.deployments.loopback import keep_replica_on_loopback
from flashstream.deployments.messages import AnswerDone, AnswerRequest, TextDelta
from flashstream.errors import NotReadyError
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.registry import configured
from flashstream.telemetry import RayTelemetry


class AnswererReplica:
    """One Serve replica: a model family's language model in an engine of its own."""

    def __init__(self, settings: Settings) -> None:
        # torch and vLLM are imported where they are used, not where this module is: in the
        # gateway, too.
        from flashstream.deployments.engine.engine import MemoryEngine

        keep_replica_on_loopback()
        family = configured(settings)
        family.check()
        folder = family.prepare(settings.cache_dir)
        self._engine = MemoryEngine.start(folder, settings.engine, ray_metrics=True)
        self._answerer = Answerer(
            self._engine,
            family,
            family.grounder(folder),
            RayTelemetry(),
            max_question_chars=settings.answers.max_question_chars,
        )

    async def answer(
        self, snapshot: MemorySnapshot, question: str, max_tokens: int, deadline_s: float
    ) -> AsyncIterator[TextDelta | AnswerDone]:
        """See `Answerer.answer`; call it with `handle.options(stream=True)`."""
        request = AnswerRequest(question, snapshot, max_tokens, deadline_s)
        async with aclosing(self._answerer.answer(request)) as events:
            async for event in events:
                yield event

    async def ping(self) -> None:
        """Return if questions can be answered; raise `NotReadyError` if not."""
        if not self._engine.healthy():
            raise NotReadyError("the language model's engine has died; it is being restarted")
        if self._engine.stalled():
            raise NotReadyError("the language model's engine hangs; it is being replaced")

    async def check_health(self) -> None:
        """Serve's own check: a replica that fails it is replaced."""
        await self.ping()

    async def running(self) -> int:
        """Questions in the engine's batch, as vLLM reports."""
        return self._engine.running()

    def __del__(self) -> None:  # Serve's way to say goodbye to a replica
        engine = getattr(self, "_engine", None)
        if engine is not None:
            engine.close()


def answerer_deployment(settings: Settings) -> Any:
    """The bound answerer, for `serve.run` or as an argument of another deployment's `bind`.

    Serve lets `answers.max_ongoing` questions into a replica at once: `engine.max_num_seqs` of
    them run in one batch, the rest wait inside vLLM, which fills each free place within a step.
    As many again may wait at each caller before Serve refuses them.
    """
    from ray import serve

    return serve.deployment(
        name="answerer",
        num_replicas=settings.answers.replicas,
        max_ongoing_requests=settings.answers.max_ongoing,
        max_queued_requests=settings.answers.max_ongoing,
        health_check_period_s=5,
        graceful_shutdown_timeout_s=5,
        ray_actor_options={"num_cpus": 1, "num_gpus": settings.answers.gpus},
    )(AnswererReplica).bind(settings)
