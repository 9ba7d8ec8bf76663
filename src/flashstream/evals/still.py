"""A photograph as a still camera would show it, taken into a real memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import FrameEncoder, ModelFamily
from flashstream.models.memory import empty_memory

FRAMES = 10
ZOOM = 0.06


def still_frames(
    picture: Image.Image, rng: np.random.Generator, frames: int = FRAMES
) -> Iterator[NDArray[np.uint8]]:
    """The picture some times over, uint8[H, W, 3], each cut by at most `ZOOM` of its sides, as
    by a camera that is not held quite still."""
    whole = picture.convert("RGB")
    for _ in range(frames):
        share = 1.0 - float(rng.uniform(0.0, ZOOM))
        width, height = round(whole.width * share), round(whole.height * share)
        left = int(rng.integers(whole.width - width + 1))
        top = int(rng.integers(whole.height - height + 1))
        yield np.asarray(whole.crop((left, top, left + width, top + height)))


def remember(
    family: ModelFamily,
    encoder: FrameEncoder,
    frames: Iterator[NDArray[np.uint8]],
    *,
    stream: str,
    start_s: float,
    fps: float = 1.0,
) -> tuple[MemorySnapshot, NDArray[np.float32]]:
    """The memory of a stream that showed these frames, and their mean features float32[D]."""
    grids = encoder.encode([family.preprocess(frame) for frame in frames])
    memory = empty_memory(family, stream)
    for number, grid in enumerate(grids):
        memory.observe(grid, start_s + number / fps, b"")
    mean: NDArray[np.float32] = grids.astype(np.float32).mean((0, 1, 2))
    return memory.snapshot(), mean
