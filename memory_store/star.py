"""STAR memory: all that is remembered of one stream, in bounded space (arXiv 2406.08085, §3.2)."""

from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import SettingError
from flashstream.memory_store.abstract import AbstractMemory, SemanticAttention
from flashstream.memory_store.delta import MemoryDelta
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.publish import publish_star
from flashstream.memory_store.snapshot import MemorySnapshot, row_bytes
from flashstream.memory_store.star_config import StarConfig
from flashstream.memory_store.state import MemoryState, SpatialFrame

__all__ = ["StarConfig", "StarMemory"]


class StarMemory(StreamMemory[NDArray[np.float16]]):
    """The memory of one stream: spatial, temporal, abstract and retrieved parts.

    grid, channels: the encoder's G and D. Takes features float16[G, G, D], finite; they are copied
    where they are kept. Raises SettingError if a grid of `config` does not divide G, or `attention`
    is for other channels.
    """

    kind = "star"

    def __init__(
        self,
        config: StarConfig,
        grid: int,
        channels: int,
        *,
        stream: str,
        epoch: int = 0,
        fingerprint: str = "",
        attention: SemanticAttention | None = None,
    ) -> None:
        for name in ("spatial_grid", "temporal_grid", "retrieved_grid"):
            if grid % getattr(config, name):
                divisors = ", ".join(str(g) for g in range(1, grid + 1) if grid % g == 0)
                raise SettingError(
                    f"{name} = {getattr(config, name)} does not divide the encoder's grid of "
                    f"{grid}; accepted: {divisors}",
                    key=name,
                )
        super().__init__(
            config,
            config.temporal_slots,
            config.temporal_grid**2,
            channels,
            stream=stream,
            epoch=epoch,
            fingerprint=fingerprint,
        )
        self.config, self.grid = config, grid
        self._abstract = AbstractMemory(
            config.abstract_slots,
            channels,
            config.abstract_rate,
            attention or SemanticAttention(),
        )
        self._spatial: deque[SpatialFrame] = deque(maxlen=config.spatial_frames)

    def geometry(self) -> dict[str, int]:
        """The sizes that stored records depend on."""
        return {**self.config.geometry(), "grid": self.grid, "channels": self.channels}

    def observe(
        self, features: NDArray[np.float16], time_s: float, thumbnail: bytes
    ) -> MemoryDelta:
        """Take in one frame; see `StreamMemory.observe`."""
        config = self.config
        pyramid = self._taken("features", features, (self.grid, self.grid, self.channels))
        time_s = self._begin(time_s, thumbnail)
        delta = self._consolidate(
            pyramid.at(config.temporal_grid).reshape(-1),
            lambda: pyramid.kept(config.temporal_grid),
            lambda: pyramid.kept(config.retrieved_grid),
            time_s,
            thumbnail,
        )
        self._abstract.observe(pyramid.at(1).reshape(-1))
        self._spatial.appendleft(SpatialFrame(time_s, pyramid.kept(config.spatial_grid)))
        rows = range(len(self._abstract.rows))
        return replace(delta, abstract=frozenset(rows), spatial=True)

    def nbytes(self) -> int:
        """See `StreamMemory.nbytes`."""
        spatial = sum(frame.features.nbytes for frame in self._spatial)
        return super().nbytes() + self._abstract.nbytes() + spatial

    def budget(self) -> int:
        """Bytes that this memory never exceeds."""
        config, cell = self.config, 2 * self.channels  # a patch in float16
        return (
            self._slots.budget(config.retrieved_grid**2 * cell, config.thumbnail_bytes)
            + self._abstract.nbytes()
            + config.spatial_frames * config.spatial_grid**2 * cell
            + config.tokens * row_bytes(self.channels)
        )

    def _publish(self, as_of: float) -> MemorySnapshot:
        detailed = self._slots.detailed(self.config.detail, self.config.retrieved_slots)
        return publish_star(self.view(), as_of, detailed)

    def _abstract_rows(self) -> NDArray[np.float32]:
        return self._abstract.rows

    def _spatial_frames(self) -> tuple[SpatialFrame, ...]:
        return tuple(self._spatial)

    def _restore_parts(self, state: MemoryState) -> None:
        self._abstract.restore(state.abstract)
        self._spatial.clear()
        self._spatial.extend(state.spatial)
