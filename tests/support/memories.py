"""Small memories of both kinds, and what they see."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.flash import FlashConfig, FlashMemory, FlashStep
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.star import StarConfig, StarMemory

Features = NDArray[np.float16]

GRID, CHANNELS = 4, 6

STAR = StarConfig(
    spatial_frames=2,
    spatial_grid=4,
    temporal_slots=5,
    temporal_grid=2,
    abstract_slots=3,
    retrieved_slots=2,
    retrieved_grid=4,
    candidates=2,
)
FLASH = FlashConfig(csm_slots=5, csm_grid=2, dam_slots=2, dam_grid=4, candidates=2)


def scenes(count: int) -> list[Features]:
    """That many frames float16[4, 4, 6] of a few scenes that come back, always the same."""
    rng = np.random.default_rng(7)
    places = rng.normal(size=(8, GRID, GRID, CHANNELS))
    order = np.repeat(rng.integers(8, size=count), 3)[:count]
    noise = 0.1 * rng.normal(size=(count, GRID, GRID, CHANNELS))
    return list((places[order] + noise).astype(np.float16))


def steps(count: int) -> list[FlashStep]:
    """The same scenes in steps of two frames; the low resolution is seen with its own noise."""
    rng = np.random.default_rng(8)
    made = []
    for full in scenes(count):
        pooled = full.reshape(2, 2, 2, 2, CHANNELS).mean(axis=(1, 3), dtype=np.float32)
        low = pooled + 0.05 * rng.normal(size=pooled.shape)
        made.append(FlashStep(low=low.astype(np.float16), full=full))
    return made


@dataclass(frozen=True)
class Kind:
    """A kind of memory; `always` names the records that every frame changes."""

    name: str
    always: frozenset[str]

    def empty(
        self,
        stream: str = "yard",
        epoch: int = 1,
        fingerprint: str = "f00d",
        channels: int = CHANNELS,
        slots: int = 5,
        **sizes: Any,
    ) -> StreamMemory[Any]:
        """An empty memory, all alike but for what is said."""
        names: Any = {"stream": stream, "epoch": epoch, "fingerprint": fingerprint}
        if self.name == "star":
            star = STAR.model_copy(update={"temporal_slots": slots, **sizes})
            return StarMemory(star, GRID, channels, **names)
        flash = FLASH.model_copy(update={"csm_slots": slots, **sizes})
        return FlashMemory(flash, channels, **names)

    def seen(self, count: int) -> list[Any]:
        """What that many observations take in."""
        return list(scenes(count)) if self.name == "star" else list(steps(count))

    def watched(self, count: int, **sizes: Any) -> StreamMemory[Any]:
        memory = self.empty(**sizes)
        watch(memory, self.seen(count))
        return memory


KINDS = (
    Kind("star", frozenset({"meta", "spatial"})),
    Kind("flash", frozenset({"meta"})),
)


def watch(memory: StreamMemory[Any], seen: list[Any], start: int = 0) -> None:
    """Observe them a second apart, each with a thumbnail of its own."""
    for number, features in enumerate(seen, start + 1):
        memory.observe(features, 1.7e9 + number, b"jpeg %d" % number)
