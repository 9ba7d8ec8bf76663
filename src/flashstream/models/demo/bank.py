"""Frames of train worlds with what is in them: what the demo model learns to see actors from."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.world import World, WorldSpec
from flashstream.memory_store.pooling import pool
from flashstream.models.demo.pack import CELLS, GRID
from flashstream.models.family import ModelFamily, Progress

WORLDS = 350
FIRST_SEED = 100_000
_LENGTH_S = 150
_VISITS = 9
_EXTRAS = 0.5
_EMPTY = 3
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Sighting:
    """An actor in a frame. share: of it that is in the picture; x, half_width: see `Path`."""

    name: str
    picture: str
    share: float
    x: float
    half_width: float


@dataclass(frozen=True)
class Bank:
    """features: float16[N, GRID, GRID, D]; of each frame its world and what is in it."""

    features: NDArray[np.float16]
    worlds: Sequence[int]
    sightings: Sequence[tuple[Sighting, ...]]
    _backgrounds: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    @cached_property
    def empties(self) -> dict[int, list[int]]:
        """The frames of each world that nobody is in."""
        out: dict[int, list[int]] = defaultdict(list)
        for frame, (world, seen) in enumerate(zip(self.worlds, self.sightings, strict=True)):
            if not seen:
                out[world].append(frame)
        return dict(out)

    def background(self, world: int) -> NDArray[np.float32]:
        """float32[CELLS, D]: the median of a world's empty frames."""
        if world not in self._backgrounds:
            empty = self.features[self.empties[world]].astype(np.float32)
            self._backgrounds[world] = np.median(empty, 0).reshape(CELLS, -1)
        return self._backgrounds[world]

    def difference(self, frame: int) -> NDArray[np.float32]:
        """float32[CELLS, D]: a frame less its background."""
        seen = self.features[frame].astype(np.float32).reshape(CELLS, -1)
        change: NDArray[np.float32] = seen - self.background(self.worlds[frame])
        return change


def bank(path: Path, family: ModelFamily, worlds: int, report: Progress) -> Bank:
    """The frames of that many train worlds: two of each visit, and some without anyone.

    Features are kept in the file `path` (.npy), and encoded only if it is not there (about 20 ms
    a frame, 21 frames a world); all else follows from the seeds. Worlds of which no frame is
    empty are left out.
    """
    book = PictureBook()
    if not path.exists():
        features = np.stack(list(_encoded(family, _shots(worlds, book, report))))
        partial = path.with_suffix(".partial.npy")
        np.save(partial, features)
        partial.replace(path)
    features = np.load(path, mmap_mode="r")
    owners: list[int] = []
    sightings: list[tuple[Sighting, ...]] = []
    for number, (world, moment) in _shots(worlds, book, lambda *_: None):
        owners.append(number)
        sightings.append(_sightings(world, float(moment)))
    if len(owners) != len(features):
        raise ValueError(f"{path} has {len(features)} frames, not {len(owners)}: delete it")
    with_empty = {owner for owner, seen in zip(owners, sightings, strict=True) if not seen}
    kept = [frame for frame, owner in enumerate(owners) if owner in with_empty]
    return Bank(features[kept], [owners[k] for k in kept], [sightings[k] for k in kept])


Shot = tuple[int, tuple[World, int]]
"""A world's number, the world, and the number of a frame."""


def _shots(worlds: int, book: PictureBook, report: Progress) -> Iterator[Shot]:
    for number in range(worlds):
        spec = WorldSpec(
            "train", FIRST_SEED + number, length_s=_LENGTH_S, visits=_VISITS, extras=_EXTRAS
        )
        world = World(spec, book)
        for moment in _moments(world, number):
            yield number, (world, moment)
        report("looking at train worlds", (number + 1) / worlds)


def _batches(shots: Iterable[Shot]) -> Iterator[list[Shot]]:
    left = iter(shots)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _encoded(family: ModelFamily, shots: Iterable[Shot]) -> Iterator[NDArray[np.float16]]:
    encoder = family.encoder("cpu")
    for batch in _batches(shots):
        frames = [family.preprocess(world.frame(moment)) for _, (world, moment) in batch]
        for grid in encoder.encode(frames):
            yield pool(grid.astype(np.float32), GRID).astype(np.float16)


def _moments(world: World, number: int) -> Iterator[int]:
    rng = np.random.default_rng(number)
    last = _LENGTH_S - 1
    for visit in world.timeline.visits:
        first, end = max(0, int(visit.first_s) - 1), min(last, int(visit.last_s) + 2)
        for _ in range(2):
            yield int(rng.integers(first, end))
    yield from (int(moment) for moment in rng.integers(0, last + 1, _EMPTY))


def _sightings(world: World, time_s: float) -> tuple[Sighting, ...]:
    return tuple(
        Sighting(
            visit.name,
            visit.picture.id,
            float(visit.path.share_at(time_s)),
            float(visit.path.x_at(time_s)),
            visit.path.half_width,
        )
        for visit in world.timeline.visits
        if visit.path.enter_s < time_s < visit.path.leave_s
    )
