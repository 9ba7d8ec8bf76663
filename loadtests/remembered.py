"""Memories of cameras that have been watched for hours, made in seconds."""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flashstream.config import Settings
from flashstream.errors import StoreError
from flashstream.memory_store.encoding import Held, update
from flashstream.memory_store.open import open_store
from flashstream.memory_store.state import MemoryState
from flashstream.memory_store.store import Commit
from flashstream.models.family import ModelFamily, Progress
from flashstream.models.memory import empty_memory
from flashstream.models.registry import configured
from flashstream.video.picture import thumbnail
from flashstream.video.source import VideoSource

Sight = tuple[NDArray[np.float16], bytes]
"""A frame's features and its thumbnail."""


def remember(
    settings: Settings, shown: Mapping[str, Path], fps: float, hours: float, report: Progress
) -> None:
    """Write to the settings' store what their model remembers of each camera that has shown its
    film over and over for so many hours up to now, watched at `fps` frames a second.

    shown: the film of each camera.
    """
    family = configured(settings)
    cameras: dict[Path, list[str]] = defaultdict(list)
    for name, film in shown.items():
        cameras[film].append(name)
    store = open_store(settings.store_url())
    try:
        for number, (film, names) in enumerate(cameras.items()):
            report("remembering what was", number / len(cameras))
            sights = _sights(family, settings.streams.thumbnail_width, film, fps)
            state = _watched(family, sights, fps, round(hours * 3600 * fps))
            for name in names:
                header = replace(state.header, stream=name, epoch=store.claim(name))
                made = update(replace(state, header=header), Held(), None)
                outcome = store.commit(name, header.epoch, header.version, made.records)
                if outcome is not Commit.COMMITTED:
                    raise StoreError(f"the memory of '{name}' was not taken: {outcome.value}")
    finally:
        store.close()
    report("remembering what was", 1.0)


def _sights(family: ModelFamily, width: int, film: Path, fps: float) -> list[Sight]:
    encoder = family.encoder("cpu")
    limit = family.memory.thumbnail_bytes
    with VideoSource(str(film), fps=fps) as source:
        return [
            (
                encoder.encode([family.preprocess(frame.rgb)])[0],
                thumbnail(frame.rgb, width, limit=limit),
            )
            for frame in source.frames()
        ]


def _watched(family: ModelFamily, sights: list[Sight], fps: float, frames: int) -> MemoryState:
    memory = empty_memory(family, "remembered")
    began_s = time.time() - frames / fps
    for number in range(frames):
        features, picture = sights[number % len(sights)]
        memory.observe(features, began_s + number / fps, picture)
    return memory.view()
