"""The entry point by which every vLLM process, worker processes too, learns of our model."""

import multiprocessing
import os
import threading
from multiprocessing.process import BaseProcess

from flashstream.deployments.engine.environment import NICENESS
from flashstream.deployments.engine.yielding import yield_cores

ARCHITECTURE = "MemoryLM"


def register() -> None:
    """Name the model to vLLM; it is imported only when a checkpoint asks for it."""
    from vllm import ModelRegistry
    from vllm.platforms import current_platform

    if ARCHITECTURE not in ModelRegistry.get_supported_archs():
        ModelRegistry.register_model(
            ARCHITECTURE, "flashstream.deployments.engine.memory_lm:MemoryLM"
        )
    parent = multiprocessing.parent_process()
    if parent is not None:
        # In vLLM's engine process: killed replicas would else leave it, and its memory, behind.
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        if not current_platform.is_cuda_alike():
            yield_cores(int(os.environ.get(NICENESS, "0")))


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
