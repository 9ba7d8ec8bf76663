"""The language model's engine: text ⊕ memory ⊕ text in, tokens out, many questions in one batch."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import torch

from flashstream.deployments.engine.environment import vllm_environment
from flashstream.deployments.engine.loading import load_llm
from flashstream.deployments.engine.output import EngineOutput
from flashstream.deployments.engine.plugin import ARCHITECTURE
from flashstream.deployments.engine.pulse import Pulse
from flashstream.deployments.engine.settings import EngineSettings
from flashstream.deployments.engine.starvation import Unstarved
from flashstream.errors import EngineError
from flashstream.models.family import MemoryItem


class MemoryEngine:
    """vLLM with one checkpoint loaded; make it with `MemoryEngine.start`.

    Not tied to a thread while it starts; afterwards all calls belong to one event loop.
    """

    def __init__(
        self, llm: Any, running: Any, tokenizer: Any, memory_token: int, stall_s: float
    ) -> None:
        self._llm: Any | None = llm
        self._running = running
        (process,) = llm.engine_core.resources.engine_manager.processes
        self._pulse = Pulse(self._beat, stall_s, clock=Unstarved(process.pid))
        self._tokenizer = tokenizer
        self._memory_token = memory_token
        self._numbers = itertools.count()
        self.max_model_len = int(llm.model_config.max_model_len)

    @classmethod
    def start(
        cls, folder: Path, settings: EngineSettings, *, ray_metrics: bool = False
    ) -> "MemoryEngine":
        """Load the model in `folder` (see `memory_lm`); blocks for seconds to minutes.

        ray_metrics: give vLLM's own metrics to Ray's port (`ray_vllm_*`); inside Ray only.
        Raises `EngineError` if the folder or the settings do not fit.
        """
        try:
            with vllm_environment(settings):
                return cls._start(folder, settings, ray_metrics)
        except (ImportError, KeyError, OSError, RuntimeError, TypeError, ValueError) as failure:
            raise EngineError(
                f"the language model in {folder} did not start: {_told(failure)}",
                folder=str(folder),
            ) from failure

    @classmethod
    def _start(cls, folder: Path, settings: EngineSettings, ray_metrics: bool) -> "MemoryEngine":
        from transformers import AutoTokenizer

        from flashstream.deployments.engine.stats import RunningRequests

        config = json.loads((folder / "config.json").read_text())
        if config["architectures"] != [ARCHITECTURE]:
            raise ValueError(
                f"config.json names {config['architectures']}; accepted: [{ARCHITECTURE!r}]"
            )
        tokenizer = AutoTokenizer.from_pretrained(folder)
        running = RunningRequests()
        loggers: list[Any] = [running]
        if ray_metrics:
            from vllm.v1.metrics.ray_wrappers import RayPrometheusStatLogger

            loggers.append(RayPrometheusStatLogger)
        return cls(
            load_llm(folder, settings, loggers),
            running,
            tokenizer,
            int(config["memory_token_id"]),
            settings.stall_s,
        )

    def count(self, text: str) -> int:
        """Tokens of a text on its own."""
        return len(self._encode(text))

    def running(self) -> int:
        """Requests in the batch after vLLM's last step, as its scheduler reports."""
        return int(self._running.now)

    @property
    def max_running(self) -> int:
        """The most requests that ran at once since `reset_max_running`."""
        return int(self._running.most)

    def reset_max_running(self) -> None:
        self._running.most = self._running.now

    def healthy(self) -> bool:
        """False once the engine process has died; it does not come back."""
        return self._llm is not None and not self._llm.errored

    def stalled(self) -> bool:
        """Whether the engine process lives, but has taken no message for `settings.stall_s`; what
        it waits for a core does not count. Known only if it is asked often, on the event loop that
        asks the questions."""
        return self.healthy() and self._pulse.stalled()

    async def generate(
        self,
        before: str,
        item: MemoryItem,
        after: str,
        uuid: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        ignore_eos: bool = False,
    ) -> AsyncGenerator[EngineOutput]:
        """Answer to `before` ⊕ item ⊕ `after`, in pieces as they come; an item of no tokens is left
        out.

        uuid stands for the item: a uuid seen before means that its KV cache may be used again, so
        equal uuids must mean equal items. temperature 0 takes the likeliest token each time.
        The request is aborted in the engine when the caller closes the iterator or is cancelled.
        Raises `EngineError`, whose `__cause__` is vLLM's reason; other requests go on.
        """
        llm = self._llm
        if llm is None:
            raise EngineError("the language model's engine has been closed")
        prompt = self._prompt(before, item, after, uuid)
        request = f"answer-{next(self._numbers)}"
        finished = False
        try:
            (rendered,) = await llm.renderer.render_cmpl_async([prompt])
            sampling = _sampling(max_tokens, temperature, ignore_eos)
            async with aclosing(llm.generate(rendered, sampling, request)) as outputs:
                async for output in outputs:
                    finished = output.finished
                    yield _engine_output(output)
        except EngineError:
            raise
        except Exception as failure:
            cause = failure.__cause__ or failure
            raise EngineError(
                f"the language model's engine failed a request: {_told(cause)}", uuid=uuid
            ) from cause
        finally:
            # vLLM aborts what it has begun to run; a request cancelled while it was being handed
            # over would go on to its last token unseen.
            if not finished and self.healthy():
                await asyncio.shield(llm.abort(request))

    async def _beat(self) -> None:
        # Of what vLLM's process can be asked, the cheapest that goes through its loop of steps.
        if self._llm is not None:
            await self._llm.is_sleeping()

    async def reset_caches(self) -> None:
        """Forget all cached prefixes and items; for measurements, while nothing runs."""
        if self._llm is not None:
            await self._llm.reset_mm_cache()
            await self._llm.reset_encoder_cache()
            await self._llm.reset_prefix_cache()

    def close(self) -> None:
        """End the engine process; call it on the event loop that asked the questions.

        Answers under way end with `EngineError`.
        """
        if self._llm is not None:
            self._llm.shutdown()
            kept = self._llm.engine_core.resources
            if kept.input_socket.closed and kept.output_socket.closed:
                kept.ctx.term()  # vLLM leaves it open; with open sockets this would wait
            self._llm = None  # vLLM shuts down once more, and loudly, if collected at exit

    def _encode(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return tokens

    def _prompt(self, before: str, item: MemoryItem, after: str, uuid: str) -> dict[str, Any]:
        head, tail = self._encode(before), self._encode(after)
        if self._memory_token in head or self._memory_token in tail:
            raise EngineError("the text around the memory holds the memory token itself")
        length = len(head) + item.tokens + len(tail)
        if length >= self.max_model_len:
            raise EngineError(
                f"the prompt has {length} tokens with its memory; accepted: fewer than "
                f"{self.max_model_len}",
                tokens=length,
                accepted=self.max_model_len - 1,
            )
        if not item.tokens:
            return {"prompt_token_ids": [*head, *tail]}
        return {
            "prompt_token_ids": [*head, self._memory_token, *tail],
            "multi_modal_data": {
                "memory": {
                    "features": torch.tensor(item.features),
                    "meta": torch.tensor(item.meta),
                    "tokens": item.tokens,
                }
            },
            "multi_modal_uuids": {"memory": [uuid]},
        }


def _sampling(max_tokens: int, temperature: float, ignore_eos: bool) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        max_tokens=max_tokens,
        temperature=temperature,
        ignore_eos=ignore_eos,
        output_kind=RequestOutputKind.DELTA,
    )


def _engine_output(output: Any) -> EngineOutput:
    piece = output.outputs[0]
    if piece.finish_reason == "error":
        raise EngineError("the language model's engine gave the request up")
    return EngineOutput(
        text=piece.text,
        tokens=len(piece.token_ids),
        prompt_tokens=len(output.prompt_token_ids or ()),
        cached_tokens=output.num_cached_tokens or 0,
        finished=output.finished,
        finish_reason=piece.finish_reason,
    )


def _told(failure: BaseException) -> str:
    return str(failure) or type(failure).__name__
