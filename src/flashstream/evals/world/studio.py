"""Single frames with one actor, and what the demo encoder makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.backgrounds import background
from flashstream.evals.world.compose import put
from flashstream.evals.world.light import Daylight
from flashstream.evals.world.pictures import Picture, PictureBook
from flashstream.evals.world.sensor import Sensor
from flashstream.evals.world.splits import Split, generator
from flashstream.models.demo.family import DemoFamily
from flashstream.models.family import FrameEncoder, Progress

Floats = NDArray[np.float32]

GRIDS: Final = (8, 4, 2)
_SIZE: Final = (320, 240)
_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Sight:
    """What the encoder makes of one picture in one frame: features float32[D] by grid."""

    name: str
    features: dict[int, Floats]


class Studio:
    """Frames with one actor, at random places, in the light of random hours, and their features."""

    def __init__(self, encoder: FrameEncoder, seed: int = 0) -> None:
        self._encoder, self._seed = encoder, seed
        self._family, self._book = DemoFamily(), PictureBook()
        self._sensor = Sensor(seed, _SIZE, noise=4.0, shake=0.0, quality=70)

    def sights(
        self,
        split: Split,
        pictures: Sequence[Picture],
        sizes: tuple[float, float],
        renders: int,
        report: Progress,
        step: str,
    ) -> list[Sight]:
        """`renders` sights of each picture on backgrounds of a split."""
        rng = generator(split, self._seed, "measure", round(1000 * sizes[0]))
        wanted = [picture for picture in pictures for _ in range(renders)]
        out: list[Sight] = []
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            shots = [self._shot(split, picture, sizes, rng) for picture in batch]
            grids = self._encoder.encode([frame for frame, _ in shots])
            for picture, (_, cover), grid in zip(batch, shots, grids, strict=True):
                seen = {side: _over(grid.astype(np.float32), cover, side) for side in GRIDS}
                out.append(Sight(picture.name, seen))
            report(step, len(out) / len(wanted))
        return out

    def _shot(
        self, split: Split, picture: Picture, sizes: tuple[float, float], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], Floats]:
        """A frame as the encoder takes it, and the share of each of its 8×8 patches covered."""
        width, height = _SIZE
        side = round(float(rng.uniform(*sizes)) * height)
        sprite = self._book.sprite(picture, side, bool(rng.random() < 0.5))
        left = int(rng.integers(0, width - sprite.shape[1] + 1))
        top = int(rng.integers(0, height - sprite.shape[0] + 1))
        scene = background(split, _SIZE, rng)
        put(sprite, scene, left, top)
        scene *= Daylight(float(rng.uniform(0, 24)), rng).gain(0.0)
        frame = self._sensor.expose(scene, int(rng.integers(2**31)))
        cover = np.zeros((height, width), np.float32)
        cover[top : top + sprite.shape[0], left : left + sprite.shape[1]] = sprite[..., 3]
        return self._family.preprocess(frame), _pooled(cover[..., np.newaxis], 8)[..., 0]


def _over(grid: Floats, cover: Floats, side: int) -> Floats:
    """The mean of a frame's cells, weighted by how much of each the actor covers."""
    weights = _pooled(cover[..., np.newaxis], side)
    cells = _pooled(grid, side)
    out: Floats = (cells * weights).sum((0, 1)) / weights.sum()
    return out


def _pooled(grid: Floats, side: int) -> Floats:
    """float32[H, W, D] → [side, side, D] by means."""
    height, width, channels = grid.shape
    out: Floats = grid.reshape(side, height // side, side, width // side, channels).mean((1, 3))
    return out
