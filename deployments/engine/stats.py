"""What vLLM's scheduler says of itself."""

from typing import Any

from vllm.v1.metrics.loggers import StatLoggerBase


class RunningRequests(StatLoggerBase):  # type: ignore[misc]
    """Keeps the number of running requests that the scheduler reports after each step."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0

    def __call__(self, vllm_config: Any, engine_index: int = 0) -> "RunningRequests":
        return self  # vLLM asks a factory for a logger; ours is made beforehand

    def record(
        self,
        scheduler_stats: Any,
        iteration_stats: Any,
        mm_cache_stats: Any = None,
        engine_idx: int = 0,
    ) -> None:
        if scheduler_stats is not None:
            self.now = scheduler_stats.num_running_reqs
            self.most = max(self.most, self.now)

    def log_engine_initialized(self) -> None:
        return
