"""The entry point by which every vLLM process, worker processes too, learns of our model."""

ARCHITECTURE = "MemoryLM"


def register() -> None:
    """Name the model to vLLM; it is imported only when a checkpoint asks for it."""
    from vllm import ModelRegistry

    if ARCHITECTURE not in ModelRegistry.get_supported_archs():
        ModelRegistry.register_model(
            ARCHITECTURE, "flashstream.deployments.engine.memory_lm:MemoryLM"
        )
