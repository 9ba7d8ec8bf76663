"""How the language model's engine is run; read by the configuration, so free of torch and vLLM."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flashstream.deployments.engine.yielding import IDLE


class EngineSettings(BaseModel):
    """Defaults are good on two CPU cores with the demo model; a GPU is used when there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_model_len: int = Field(
        1536, ge=128, description="tokens of text before, memory, question and answer together"
    )
    max_num_seqs: int = Field(16, ge=1, le=1024, description="answers generated in one batch")
    max_batched_tokens: int = Field(
        2048, ge=128, description="tokens of one step; longer prompts are read in several"
    )
    kv_cache_mb: int = Field(
        512, ge=16, description="memory of the KV cache on CPU; on a GPU see gpu_memory_utilization"
    )
    gpu_memory_utilization: float = Field(0.85, gt=0, le=0.98, description="share of the GPU")
    dtype: Literal["auto", "bfloat16", "float32"] = Field(
        "auto",
        description="of weights and KV cache; auto is the checkpoint's, on a CPU without AVX-512 "
        "float32. float32 makes answers independent of what else is in the batch",
    )
    block_size: int = Field(32, ge=16, le=256, multiple_of=16, description="tokens of a KV block")
    mm_cache_gb: float = Field(
        0.0,
        ge=0,
        description="cache of memory items on both sides of vLLM's process border; 0 sends a "
        "snapshot's features with each question (about 1 ms), and nothing can drift apart",
    )
    threads: int | None = Field(None, ge=1, description="CPU threads; unset takes all cores")
    niceness: int = Field(
        19,
        ge=0,
        le=IDLE,
        description="priority of its process where it computes on the CPU: 0 as all others, "
        "19 the last. Above 0, frames are watched first and answers take what is left; 20 leaves "
        "them even that while the cores are full: for many cameras on few cores",
    )
    idle_threads: Literal["sleep", "spin"] = Field(
        "sleep",
        description="what CPU threads do while they wait for each other: sleep leaves the cores to "
        "encoder and streams; spin is 10 to 20 % sooner where nothing else runs",
    )
    stall_s: float = Field(
        120.0,
        gt=0,
        description="seconds without a sign of the engine's process after which it counts as hung "
        "and is replaced, those in which it waits for a core left out; none of its steps may take "
        "so long",
    )
    start_timeout_s: int = Field(600, ge=10, description="how long loading the model may take")
