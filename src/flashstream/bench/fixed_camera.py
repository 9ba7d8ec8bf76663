"""A made-up fixed camera, as an encoder sees it: a place, its light, visitors now and then, noise.

The numbers are those of the demo's encoder on filmed worlds at one frame a second: nine of ten
features are 0 after its ReLU6, and from one frame to the next, with nothing going on, a third of
their norm changes, since a camera shakes and its sensor is noisy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.video.picture import thumbnail

_ZEROS = 0.89  # share of features
_HIGHEST = 6.0
_NOISE = 0.52  # of one feature before its ReLU; most of it is a shake, alike in 2×2 patches
_LIGHT_H = 3.0  # hours from one light of the place to the other, and back
_LIGHT = 0.8  # how far a feature moves with that
_VISITS_H = 5.0  # an hour, on average
_VISITORS = 8  # who come again and again
_STAY_S = (20.0, 120.0)
_PICTURES = 16  # thumbnails of each sight; one with noise is as large as another


@dataclass(frozen=True, slots=True)
class Sight:
    """One frame. features: float16[G, G, D]; thumbnail: JPEG. There is a visitor, or not."""

    time_s: float
    features: NDArray[np.float16]
    thumbnail: bytes
    visited: bool


class FixedCamera:
    """One frame a second; equal arguments give equal streams.

    thumbnail_bytes: of one thumbnail at most.
    """

    def __init__(self, grid: int, channels: int, seed: int, thumbnail_bytes: int) -> None:
        self._dice = np.random.default_rng(seed)
        self._shape = (grid, grid, channels)
        self._place, self._light = self._scene(), _LIGHT * self._normal(self._shape)
        self._visitors = [self._scene() for _ in range(_VISITORS)]
        self._side = max(1, grid // 2)
        self._thumbnails = [self._pictures(thumbnail_bytes) for _ in range(_VISITORS + 1)]

    def sights(self, seconds: int) -> Iterator[Sight]:
        """The first frames, a second apart."""
        dice, grid = self._dice, self._shape[0]
        who, until = -1, 0.0
        for second in range(seconds):
            if who >= 0 and second >= until:
                who = -1
            elif who < 0 and dice.random() < _VISITS_H / 3600:
                who = int(dice.integers(_VISITORS))
                until = second + float(dice.uniform(*_STAY_S))
            light = np.float32(np.sin(np.pi * second / 3600 / _LIGHT_H))
            before = self._place + light * self._light
            if who >= 0:
                # Crosses the picture while it stays.
                left = int((until - second) / _STAY_S[1] * (grid - self._side))
                part = np.s_[grid - self._side :, left : left + self._side]
                before[part] = self._visitors[who][part]
            before += self._noise()
            np.clip(before, 0, _HIGHEST, out=before)
            pictures = self._thumbnails[who]
            picture = pictures[int(dice.integers(len(pictures)))]
            yield Sight(float(second), before.astype(np.float16), picture, who >= 0)

    def _normal(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        return self._dice.standard_normal(shape, np.float32)

    def _scene(self) -> NDArray[np.float32]:
        """Features before their ReLU: most channels are seen in few places, some in most."""
        strength = 2.0 * self._normal((self._shape[2],))
        scene: NDArray[np.float32] = strength + 1.8 * self._coarse() + self._normal(self._shape)
        scene -= np.float32(np.quantile(scene, _ZEROS))
        return scene

    def _noise(self) -> NDArray[np.float32]:
        noise = 2 * self._coarse() + self._normal(self._shape)
        noise *= np.float32(_NOISE / np.sqrt(5))
        return noise

    def _coarse(self) -> NDArray[np.float32]:
        """Alike in blocks of 2×2 patches, as what is larger than a patch."""
        grid, _, channels = self._shape
        half = (grid + 1) // 2
        blocks = self._normal((half, half, channels)).repeat(2, axis=0).repeat(2, axis=1)
        return blocks[:grid, :grid]

    def _pictures(self, limit: int) -> list[bytes]:
        """Thumbnails of one sight, 320×180, with shapes and noise in them."""
        small = self._dice.integers(0, 256, (9, 16, 3)).repeat(20, axis=0).repeat(20, axis=1)
        made = []
        for _ in range(_PICTURES):
            noisy = small + self._dice.normal(0, 6, small.shape)
            made.append(thumbnail(np.clip(noisy, 0, 255).astype(np.uint8), limit=limit))
        return made
