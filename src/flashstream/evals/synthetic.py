"""A made-up camera, watched for ever: scenes come back, drift, and are never the same."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.clips import Footage, PairedFootage
from flashstream.memory_store.pooling import Pyramid

_SCENES = 40
_SHORTEST, _LONGEST = 3, 60  # frames that a scene stays before the camera sees another
_DRIFT = 0.05  # of a step of the random walk along a scene's own direction
_NOISE = 0.15
_NOISES = 16
_THRESHOLD = 0.3  # taken off before the cut at 0: most features are 0, as after a real ReLU
_HIGHEST = 6.0  # of the demo encoder's features (ReLU6)


class SyntheticStream:
    """Features of a camera that goes from scene to scene; equal seeds give equal streams.

    A visit begins at one of 40 scenes, each a sparse non-negative float32[G, G, D]; while it
    lasts the scene moves to and fro along a direction of its own, and every frame has noise.
    """

    def __init__(self, grid: int, channels: int, seed: int) -> None:
        self._dice = np.random.default_rng(seed)
        shape = (_SCENES, grid, grid, channels)
        kind = self._dice.gamma(0.3, 1.0, (_SCENES, 1, 1, channels))
        place = self._dice.gamma(2.0, 0.5, shape)
        self._scenes = (kind * place).astype(np.float32)
        self._turns = self._dice.normal(0, 0.5, shape).astype(np.float32)
        self._turns *= self._scenes > _THRESHOLD
        self._noises = self._dice.normal(0, _NOISE, (_NOISES, *shape[1:])).astype(np.float32)

    def frames(self) -> Iterator[NDArray[np.float16]]:
        """float16[G, G, D] each, without end; a new array every time."""
        dice = self._dice
        while True:
            scene = int(dice.integers(_SCENES))
            phase = float(dice.normal())
            for _ in range(int(dice.integers(_SHORTEST, _LONGEST + 1))):
                phase += _DRIFT * float(dice.normal())
                one, other = dice.integers(_NOISES, size=2).tolist()
                frame = np.sin(phase, dtype=np.float32) * self._turns[scene]
                frame += self._scenes[scene]
                frame += self._noises[one]
                # Two of the noise fields, one of them turned over: 2 × 16² different frames.
                frame += self._noises[other][::-1]
                frame -= np.float32(_THRESHOLD)
                np.clip(frame, 0, _HIGHEST, out=frame)
                yield frame.astype(np.float16)


def synthetic_footage(frames: int, grid: int, channels: int, seed: int) -> Footage:
    """The first frames of a synthetic stream, without thumbnails."""
    stream = SyntheticStream(grid, channels, seed).frames()
    return Footage(np.stack(list(islice(stream, frames))), (b"",) * frames)


def synthetic_pairs(steps: int, grid: int, channels: int, seed: int) -> PairedFootage:
    """The first frames as steps of Flash memory: full at G×G, low pooled from it to G/2×G/2."""
    full = synthetic_footage(steps, grid, channels, seed)
    low = np.stack([Pyramid(frame).kept(grid // 2) for frame in full.features])
    return PairedFootage(low, full.features, full.thumbnails)
