"""Our settings as vLLM takes them."""

from pathlib import Path
from typing import Any

import torch

from flashstream.deployments.engine.settings import EngineSettings


def load_llm(folder: Path, settings: EngineSettings, stat_loggers: list[Any]) -> Any:
    """An `AsyncLLM` of the checkpoint in `folder`, on the GPU if there is one.

    Call it inside `vllm_environment`.
    """
    from vllm import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    on_gpu = torch.cuda.is_available()
    arguments = AsyncEngineArgs(
        model=str(folder),
        dtype=dtype_of(settings),
        max_model_len=settings.max_model_len,
        max_num_seqs=settings.max_num_seqs,
        max_num_batched_tokens=max(settings.max_batched_tokens, settings.max_num_seqs),
        enable_prefix_caching=True,
        block_size=settings.block_size,
        gpu_memory_utilization=settings.gpu_memory_utilization,
        kv_cache_memory_bytes=None if on_gpu else settings.kv_cache_mb << 20,
        mm_processor_cache_gb=settings.mm_cache_gb,
        skip_mm_profiling=True,  # see MemoryDummies
        distributed_executor_backend="uni",
        enforce_eager=not on_gpu,  # compiling for CPU costs minutes and gains little
        seed=0,
        enable_log_requests=False,
        disable_log_stats=True,  # no log line every ten seconds; `stat_loggers` still count
    )
    return AsyncLLM.from_engine_args(arguments, stat_loggers=stat_loggers)


def dtype_of(settings: EngineSettings) -> str:
    """What the engine computes in here: `settings.dtype`, but float32 for "auto" on an x86 CPU
    without AVX-512, for which oneDNN has no product of bfloat16 matrices; torch's own is slower
    than its float32 several times over."""
    if settings.dtype != "auto" or torch.cuda.is_available():
        return settings.dtype
    return "auto" if torch.backends.cpu.get_cpu_capability() == "AVX512" else "float32"
