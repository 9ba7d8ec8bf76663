"""Real memories of cameras that never were: made-up features, consolidated as any others."""

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import ModelFamily
from flashstream.models.memory import empty_memory

_SCENES = 40
_SCENE_FRAMES = 12  # frames a scene stays before the camera sees another
_START_S = 1_700_000_000.0


class WatchedStream:
    """A camera at one frame a second that goes from scene to scene, each with noise of its own."""

    def __init__(self, family: ModelFamily, stream: str, seed: int) -> None:
        self.memory = empty_memory(family, stream, epoch=1)
        self._dice = np.random.default_rng(seed)
        # Non-negative, mostly small, a few large: as features after a ReLU and pooling are.
        self._scenes = self._dice.gamma(0.3, 1.0, (_SCENES, family.channels)).astype(np.float32)
        self._shape = (family.grid, family.grid, family.channels)
        self._noise = self._dice.random((8, *self._shape), np.float32) * 0.3

    def watch(self, frames: int) -> None:
        """Observe so many more frames."""
        for _ in range(frames):
            self.memory.observe(self._frame(), _START_S + self.memory.version, b"")

    def snapshot(self) -> MemorySnapshot:
        """One frame later, so that no snapshot is ever asked for twice."""
        self.watch(1)
        return self.memory.snapshot()

    def _frame(self) -> NDArray[np.float16]:
        visit = self.memory.version // _SCENE_FRAMES
        scene = self._scenes[(visit * 7) % _SCENES]
        seen: NDArray[np.float16] = (scene + self._noise[self._dice.integers(8)]).astype(np.float16)
        return seen
