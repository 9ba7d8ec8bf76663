"""The one place that sets the process environment vLLM reads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from flashstream.deployments.engine.settings import EngineSettings

_OURS = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # on CPU, the executor "uni" is refused otherwise
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",  # all files are local; never look for them elsewhere
    "TOKENIZERS_PARALLELISM": "false",
}
NICENESS = "FLASHSTREAM_ENGINE_NICENESS"
"""Read by our plugin in the engine process."""

_WAIT = {"sleep": "PASSIVE", "spin": "ACTIVE"}
_UNWANTED = ("VLLM_CPU_KVCACHE_SPACE",)  # would override kv_cache_mb


@contextmanager
def vllm_environment(settings: EngineSettings) -> Iterator[None]:
    """Set what vLLM and its engine process read while they start, and put back what was there.

    Enter before vllm is imported for the first time. The engine process inherits it and keeps
    it; this process gets its own back, also from vLLM's changes (it sets LD_PRELOAD, among others,
    which every later child would inherit).
    """
    before = dict(os.environ)
    os.environ.update(_OURS)
    threads = settings.threads or len(os.sched_getaffinity(0))
    os.environ["OMP_NUM_THREADS"] = str(threads)  # unset, it can be one per core of the host
    # Beside encoder and streams, threads that wait shall sleep: a step that spins for a thread
    # which is not on a core takes several times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", _WAIT[settings.idle_threads])
    os.environ[NICENESS] = str(settings.niceness)
    os.environ["VLLM_ENGINE_READY_TIMEOUT_S"] = str(settings.start_timeout_s)
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    for name in _UNWANTED:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
