"""The memory that a model family was made for."""

from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import ModelFamily


def empty_memory(
    family: ModelFamily, stream: str, *, epoch: int = 0, config: StarConfig | None = None
) -> StarMemory:
    """A memory that has seen nothing yet; config: instead of the family's own."""
    return StarMemory(
        config or family.memory,
        family.grid,
        family.channels,
        stream=stream,
        epoch=epoch,
        fingerprint=family.fingerprint(),
        attention=family.attention(),
    )
