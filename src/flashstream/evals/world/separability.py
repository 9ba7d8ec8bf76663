"""How well the demo encoder tells actors apart: the measurement that `names.NAMES` come from.

A test picture counts as known if, of the names' prototypes, its own is nearest (cosine). A
prototype is the mean feature of the name's train pictures on train backgrounds. Features are the
encoder's 8×8 patches pooled to a grid and averaged over the cells that the actor covers, weighted
by how much; "plain", and "whitened" by a linear map that makes what differs between pictures of
the same thing small. The map is learnt from `names.EXTRAS` alone: what a trained projector can do
without having seen anything of the test.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.backgrounds import background
from flashstream.evals.world.compose import put
from flashstream.evals.world.light import Daylight
from flashstream.evals.world.pictures import Picture, PictureBook
from flashstream.evals.world.sensor import Sensor
from flashstream.evals.world.splits import Split, extra_pictures, generator, pictures_of
from flashstream.models.demo.family import DemoFamily
from flashstream.models.family import FrameEncoder, Progress

Floats = NDArray[np.float32]

SIZES: Final = (0.35, 0.5, 0.6, 0.7, 0.85)
GRIDS: Final = (8, 4, 2)
_SPREAD: Final = 0.1  # actors are up to this share smaller or larger than the size measured
_SIZE: Final = (320, 240)
_DIMENSIONS: Final = 300
_SHRINK: Final = 0.3
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


def measure(
    encoder: FrameEncoder,
    report: Progress,
    *,
    sizes: Sequence[float] = SIZES,
    renders: int = 4,
    extra_renders: int = 1,
) -> dict[str, Any]:
    """Share of test sights whose nearest prototype is their own, by size, grid and metric.

    Returns {"names", "renders", "sizes": {"0.50": {"grid 8": {"plain", "whitened"}, …}},
    "by_name": {name: share, whitened, grid 8, all sizes of at least 0.5}}.
    """
    studio = Studio(encoder)
    others = studio.sights(
        "train",
        [picture for _, picture in extra_pictures()],
        (min(sizes), max(sizes)),
        extra_renders,
        report,
        "seeing what only train worlds know",
    )
    maps = {side: Whitening(others, side) for side in GRIDS}
    by_name: dict[str, list[bool]] = defaultdict(list)
    found: dict[str, Any] = {}
    for size in sizes:
        span = (size * (1 - _SPREAD), min(0.95, size * (1 + _SPREAD)))
        seen = {
            split: studio.sights(
                split, _own(split), span, renders, report, f"actors of {size:.0%}, {split}"
            )
            for split in ("train", "test")
        }
        row: dict[str, dict[str, float]] = {}
        for side in GRIDS:
            plain = _known(*_vectors(seen["train"], seen["test"], side, None))
            white = _known(*_vectors(seen["train"], seen["test"], side, maps[side]))
            row[f"grid {side}"] = {
                "plain": round(float(np.mean(plain)), 3),
                "whitened": round(float(np.mean(white)), 3),
            }
            if side == 8 and size >= 0.5:
                for sight, right in zip(seen["test"], white, strict=True):
                    by_name[sight.name].append(right)
        found[f"{size:.2f}"] = row
    shares = {name: round(float(np.mean(each)), 3) for name, each in by_name.items()}
    return {
        "names": len(shares),
        "renders": renders,
        "sizes": found,
        "by_name": dict(sorted(shares.items(), key=lambda item: item[1])),
    }


class Whitening:
    """Directions in which pictures of the same thing differ made small (linear discriminants)."""

    def __init__(self, sights: Sequence[Sight], side: int) -> None:
        features = np.stack([sight.features[side] for sight in sights])
        self._mean, self._scale = features.mean(0), features.std(0) + 1e-3
        scaled = (features - self._mean) / self._scale
        directions = np.linalg.svd(scaled, full_matrices=False)[2][:_DIMENSIONS].T
        within = scaled @ directions
        names = np.array([sight.name for sight in sights])
        for name in np.unique(names):
            within[names == name] -= within[names == name].mean(0)
        scatter = np.cov(within.T)
        size = len(scatter)
        scatter += np.eye(size) * float(np.trace(scatter)) / size * _SHRINK
        values, vectors = np.linalg.eigh(scatter)
        self._map = (directions @ (vectors / np.sqrt(values))).astype(np.float32)

    def __call__(self, features: Floats) -> Floats:
        """float32[N, D] → float32[N, ≤300]."""
        out: Floats = ((features - self._mean) / self._scale) @ self._map
        return out


def _own(split: Split) -> list[Picture]:
    return [picture for _, picture in pictures_of(split)]


def _vectors(
    train: Sequence[Sight], test: Sequence[Sight], side: int, mapped: Whitening | None
) -> tuple[Floats, list[str], Floats, list[str]]:
    """Prototypes with their names, and what is to be known with its names."""
    known = np.stack([sight.features[side] for sight in train])
    asked = np.stack([sight.features[side] for sight in test])
    if mapped is None:
        mean, scale = known.mean(0), known.std(0) + 1e-3
        known, asked = (known - mean) / scale, (asked - mean) / scale
    else:
        known, asked = mapped(known), mapped(asked)
    owners = np.array([sight.name for sight in train])
    names = sorted(set(owners.tolist()))
    prototypes = np.stack([known[owners == name].mean(0) for name in names])
    return prototypes, names, asked, [sight.name for sight in test]


def _known(
    prototypes: Floats, names: Sequence[str], asked: Floats, truth: Sequence[str]
) -> list[bool]:
    unit = prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)
    nearest = (asked @ unit.T).argmax(1)
    return [names[k] == name for k, name in zip(nearest, truth, strict=True)]


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
