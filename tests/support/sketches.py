"""Banks of frames made of numbers: each thing changes the columns it is in, by a vector of its own.

A thing's drawings by different hands share some of it; the rest is mostly along a few directions
that are the same for all things, and so can be told from what they are of.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.names import NAMES
from flashstream.evals.world.splits import pictures_of
from flashstream.models.demo.bank import Bank, Sighting
from flashstream.models.demo.pack import GRID

Floats = NDArray[np.float32]

EVERYONE = tuple((name.word, picture.id) for name, picture in pictures_of("train"))
"""(name, picture) of all that act in train worlds."""
TWO_HANDS = tuple((name.word, f"{hand}-{name.word}") for name in NAMES for hand in ("a", "b"))
"""Each of `NAMES`, as two hands draw it."""
_NOISE = 0.05
_STROKES = 3  # hands differ most in what they have of these
_TINTS = 5  # worlds differ most in what they have of these


class Sketches:
    """Frames float16[GRID, GRID, channels]; equal arguments give equal frames."""

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def background(self, world: int) -> Floats:
        """float32[GRID, GRID, channels], without negative numbers, as the encoder's."""
        rng = np.random.default_rng([world, 1])
        tints = np.random.default_rng(0).normal(size=(_TINTS, self.channels))
        tint = 0.5 + rng.normal(0, 0.5, _TINTS) @ tints
        cells = rng.normal(tint, 0.5, (GRID, GRID, self.channels))
        return np.maximum(cells, 0).astype(np.float32)

    def mark(self, name: str, picture: str) -> Floats:
        """float32[channels]: what a drawing changes in the cells it is in."""
        strokes = np.random.default_rng(1).normal(size=(_STROKES, self.channels))
        thing = np.random.default_rng(crc32(name.encode())).normal(size=self.channels)
        rng = np.random.default_rng(crc32(picture.encode()))
        drawing = 0.3 * rng.normal(size=self.channels) + rng.normal(size=_STROKES) @ strokes
        return (thing + drawing).astype(np.float32)

    def frame(self, world: int, seen: Sequence[Sighting], number: int) -> NDArray[np.float16]:
        rng = np.random.default_rng([world, number, 2])
        out = self.background(world) * rng.uniform(1 - _NOISE, 1 + _NOISE)
        out += rng.normal(0, _NOISE, out.shape)
        for one in seen:
            edges = np.clip(np.array([one.x - one.half_width, one.x + one.half_width]) * GRID, 0, 4)
            column = np.arange(GRID)
            inside = np.minimum(edges[1], column + 1) - np.maximum(edges[0], column)
            cells = np.clip(inside, 0, 1)[:, np.newaxis] * self.mark(one.name, one.picture)
            out[1:] += cells  # the topmost cells stay
        return out.astype(np.float16)

    def bank(self, drawings: Sequence[tuple[str, str]], worlds: int, each: int = 2) -> Bank:
        """Of each world three empty frames, and three with two drawings; and of each drawing, in
        `each` worlds, two frames with it wholly in the picture and one with half of it."""
        seen: list[tuple[int, tuple[Sighting, ...]]] = []
        for world in range(worlds):
            seen += [(world, ())] * 3
            for number, (name, picture) in enumerate(drawings):
                if (world - number) % worlds < each:
                    left, right = here(name, picture, 0.25), here(name, picture, 0.75)
                    half = Sighting(name, picture, 0.5, 0.0, 0.25)
                    seen += [(world, (one,)) for one in (left, right, half)]
            for number in range(3):
                pair = [drawings[(5 * world + number + k) % len(drawings)] for k in (0, 8)]
                both = zip(pair, (0.25, 0.75), strict=True)
                seen.append((world, tuple(here(*drawing, x) for drawing, x in both)))
        frames = [self.frame(world, who, number) for number, (world, who) in enumerate(seen)]
        return Bank(np.stack(frames), [world for world, _ in seen], [who for _, who in seen])


def here(name: str, picture: str, x: float) -> Sighting:
    """Wholly in the picture, in half of its columns about `x`."""
    return Sighting(name, picture, 1.0, x, 0.25)
