"""A world as the encoder sees it: rendered and encoded, or read from a file of an earlier time."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from flashstream.errors import BenchmarkDataError, SettingError
from flashstream.evals.world.exam.watch import Sight
from flashstream.evals.world.exam.worlds import label
from flashstream.evals.world.world import World
from flashstream.models.family import FrameEncoder, ModelFamily

Encoder = Callable[[], FrameEncoder]
"""Loads the encoder; called at the first frame that has to be encoded."""

_BATCH = 4


def sights(
    world: World, family: ModelFamily, encoder: Encoder, folder: Path | None = None
) -> Iterator[Sight]:
    """Each frame of a world, in order; no frame is rendered before it is asked for.

    folder: where all features of a world are kept, whole as the encoder makes them so that
    memories are the same to the bit; a world that has no file there gets one first.
    Raises `BenchmarkDataError` for a file there that is damaged.
    """
    if folder is None:
        yield from _encoded(world, family, encoder)
        return
    path = folder / file_name(world, family)
    if not path.exists():
        _store(path, world, family, encoder)
    for number, features in enumerate(_stored(path, world, family)):
        yield world.time_of(number), np.array(features)


def check(folder: Path | None) -> None:
    """Make the folder; raises `SettingError` if that cannot be done."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise SettingError(f"{folder} cannot be made a folder: {failure.strerror}") from failure


def file_name(world: World, family: ModelFamily) -> str:
    """Tells worlds of other specs, and features of other encoders, apart."""
    made_of = json.dumps([asdict(world.spec), family.fingerprint()], sort_keys=True)
    return f"{label(world)}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.npy"


def _encoded(world: World, family: ModelFamily, encoder: Encoder) -> Iterator[Sight]:
    loaded = encoder()
    numbers = iter(range(len(world)))
    while batch := list(islice(numbers, _BATCH)):
        grids = loaded.encode([family.preprocess(world.frame(number)) for number in batch])
        for number, grid in zip(batch, grids, strict=True):
            yield world.time_of(number), grid


def _store(path: Path, world: World, family: ModelFamily, encoder: Encoder) -> None:
    partial = path.with_suffix(".partial")
    shape = (len(world), family.grid, family.grid, family.channels)
    stored = open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)  # type: ignore[no-untyped-call]
    for number, (_, features) in enumerate(_encoded(world, family, encoder)):
        stored[number] = features
    stored.flush()
    partial.replace(path)


def _stored(path: Path, world: World, family: ModelFamily) -> NDArray[np.float16]:
    try:
        features: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as failure:
        raise BenchmarkDataError(f"{path} cannot be read as features: {failure}") from None
    shape = (len(world), family.grid, family.grid, family.channels)
    if features.dtype != np.float16 or features.shape != shape:
        raise BenchmarkDataError(
            f"{path} has features {features.dtype}{list(features.shape)}; "
            f"float16{list(shape)} is taken"
        )
    return features
