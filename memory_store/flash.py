"""Flash memory: the second paper's memory of one stream (arXiv 2506.23825, §3.3)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.delta import MemoryDelta
from flashstream.memory_store.flash_config import FlashConfig
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.positions import timeline
from flashstream.memory_store.publish import publish_flash
from flashstream.memory_store.snapshot import MemorySnapshot, row_bytes

__all__ = ["FlashConfig", "FlashMemory", "FlashStep"]


@dataclass(frozen=True, slots=True)
class FlashStep:
    """Two frames, encoded together (Qwen2-VL's temporal patch), at both resolutions.

    low: float16[g, g, D] of the 2×2 average-pooled pixels; full: float16[G, G, D].
    """

    low: NDArray[np.float16]
    full: NDArray[np.float16]


class FlashMemory(StreamMemory[FlashStep]):
    """The memory of one stream in two parts.

    CSM, the context synthesis memory, consolidates the low-resolution steps into slots. DAM, the
    detail augmentation memory, shows at full resolution, for the slots that `config.detail`
    chooses, the remembered step nearest to the centroid. A weight, and a version, is a step;
    a step's time is that of its second frame.
    """

    kind = "flash"

    def __init__(
        self,
        config: FlashConfig,
        channels: int,
        *,
        stream: str,
        epoch: int = 0,
        fingerprint: str = "",
    ) -> None:
        super().__init__(
            config,
            config.csm_slots,
            config.csm_grid**2,
            channels,
            stream=stream,
            epoch=epoch,
            fingerprint=fingerprint,
        )
        self.config = config
        self._timeline = timeline(config.timeline, config.position_s, config.max_positions)

    def geometry(self) -> dict[str, int]:
        """The sizes that stored records depend on."""
        return {**self.config.geometry(), "channels": self.channels}

    def observe(self, features: FlashStep, time_s: float, thumbnail: bytes) -> MemoryDelta:
        """Take in one step of two frames; see `StreamMemory.observe`."""
        config = self.config
        low_side, full_side = config.csm_grid, config.dam_grid
        low = self._taken("low", features.low, (low_side, low_side, self.channels))
        full = self._taken("full", features.full, (full_side, full_side, self.channels))
        time_s = self._begin(time_s, thumbnail)
        return self._consolidate(
            low.at(low_side).reshape(-1),
            lambda: low.kept(low_side),
            lambda: full.kept(full_side),
            time_s,
            thumbnail,
        )

    def budget(self) -> int:
        """Bytes that this memory never exceeds."""
        config = self.config
        detail = config.dam_grid**2 * 2 * self.channels
        slots = self._slots.budget(detail, config.thumbnail_bytes)
        return slots + config.tokens * row_bytes(self.channels)

    def _publish(self, as_of: float) -> MemorySnapshot:
        detailed = self._slots.detailed(self.config.detail, self.config.dam_slots)
        return publish_flash(self.view(), as_of, detailed, self._timeline)
