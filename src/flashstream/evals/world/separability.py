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
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.pictures import Picture
from flashstream.evals.world.splits import Split, extra_pictures, pictures_of
from flashstream.evals.world.studio import GRIDS, Sight, Studio
from flashstream.models.family import FrameEncoder, Progress

Floats = NDArray[np.float32]

SIZES: Final = (0.35, 0.5, 0.6, 0.7, 0.8)
_SPREAD: Final = 0.1  # actors are up to this share smaller or larger than the size measured
_DIMENSIONS: Final = 300
_SHRINK: Final = 0.3


def measure(
    encoder: FrameEncoder,
    report: Progress,
    *,
    sizes: Sequence[float] = SIZES,
    renders: int = 4,
    extra_renders: int = 2,
    seed: int = 0,
) -> dict[str, Any]:
    """Share of test sights whose nearest prototype is their own, by size, grid and metric.

    Another seed makes other frames of the same pictures. Returns {"names", "renders", "seed",
    "sizes": {"0.50": {"grid 8": {"plain", "whitened"}, …}}, "by_name": {name: share}}, the last
    plain, at grid 8, of all sizes of at least 0.6.
    """
    studio = Studio(encoder, seed)
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
            if side == 8 and size >= 0.6:
                for sight, right in zip(seen["test"], plain, strict=True):
                    by_name[sight.name].append(right)
        found[f"{size:.2f}"] = row
    shares = {name: round(float(np.mean(each)), 3) for name, each in by_name.items()}
    return {
        "names": len({name.word for name, _ in pictures_of("test")}),
        "renders": renders,
        "seed": seed,
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
