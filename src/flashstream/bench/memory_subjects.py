"""Both kinds of memory, shown footage frame by frame, as what is timed."""

import numpy as np
from numpy.typing import NDArray

from flashstream.bench.memory_speed import Subject
from flashstream.evals.baselines.lloyd import by_differences, by_product
from flashstream.evals.clips import Footage, PairedFootage
from flashstream.memory_store.flash import FlashMemory, FlashStep
from flashstream.memory_store.flash_config import FlashConfig
from flashstream.memory_store.pooling import Pyramid
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.memory_store.ward import WardClusters


class Star:
    """STAR memory shown footage."""

    def __init__(self, config: StarConfig, footage: Footage) -> None:
        _, grid, _, channels = footage.features.shape
        self._config, self._footage, self._channels = config, footage, channels
        self._memory = StarMemory(config, grid, channels, stream="bench")

    def subject(self, name: str) -> Subject:
        """The memory and its consolidation, to be timed once, from the first frame on."""
        config = self._config
        return Subject(
            name=name,
            frames=len(self._footage),
            slots=config.temporal_slots,
            observe=self._observe,
            point=self._point,
            consolidate=WardClusters(
                config.temporal_slots,
                config.temporal_grid**2,
                self._channels,
                config.weighing,
            ).add,
            measure=by_differences,
        )

    def held(self) -> dict[str, int]:
        """Bytes now, the newest snapshot among them, and the most that there may be."""
        self._memory.snapshot()
        return {"bytes": self._memory.nbytes(), "budget": self._memory.budget()}

    def _observe(self, number: int) -> None:
        footage = self._footage
        self._memory.observe(footage.features[number], float(number), footage.thumbnails[number])

    def _point(self, number: int) -> NDArray[np.float32]:
        pyramid = Pyramid(self._footage.features[number])
        return pyramid.at(self._config.temporal_grid).reshape(-1)


class Flash:
    """Flash memory shown footage in steps of two frames."""

    def __init__(self, config: FlashConfig, footage: PairedFootage) -> None:
        self._config, self._footage = config, footage
        self._channels = footage.low.shape[-1]
        self._memory = FlashMemory(config, self._channels, stream="bench")

    def subject(self, name: str) -> Subject:
        """The memory and its consolidation, to be timed once, from the first step on."""
        config = self._config
        return Subject(
            name=name,
            frames=len(self._footage),
            slots=config.csm_slots,
            observe=self._observe,
            point=self._point,
            consolidate=WardClusters(
                config.csm_slots,
                config.csm_grid**2,
                self._channels,
                config.weighing,
            ).add,
            measure=by_product,
        )

    def held(self) -> dict[str, int]:
        """Bytes now, the newest snapshot among them, and the most that there may be."""
        self._memory.snapshot()
        return {"bytes": self._memory.nbytes(), "budget": self._memory.budget()}

    def _observe(self, number: int) -> None:
        footage = self._footage
        step = FlashStep(footage.low[number], footage.full[number])
        self._memory.observe(step, float(number), footage.thumbnails[number])

    def _point(self, number: int) -> NDArray[np.float32]:
        point: NDArray[np.float32] = self._footage.low[number].astype(np.float32).reshape(-1)
        return point
