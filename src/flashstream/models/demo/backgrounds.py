"""Real backgrounds for synthetic sights: features of shipped pictures and clips of no labelled
thing."""

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flashstream import media
from flashstream.models.demo.scenes import Features, cells_of
from flashstream.models.family import ModelFamily

CROPS = 14
CLIP_EVERY = 20


def backgrounds(family: ModelFamily, seed: int) -> Features:
    """[B, CELLS, D] features of random crops of the train photographs and frames of the clips."""
    rng = np.random.default_rng(seed)
    encoder = family.encoder("cpu")
    pictures = [family.preprocess(picture) for picture in _pictures(rng)]
    grids = [
        grid for i in range(0, len(pictures), 16) for grid in encoder.encode(pictures[i : i + 16])
    ]
    return np.stack([cells_of(grid) for grid in grids])


def _pictures(rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    for entry in media.select("photo", "train"):
        with Image.open(media.locate(entry.name)) as file:
            picture = file.convert("RGB")
        for _ in range(CROPS):
            width, height = (round(side * rng.uniform(0.4, 1.0)) for side in picture.size)
            left = int(rng.integers(picture.width - width + 1))
            top = int(rng.integers(picture.height - height + 1))
            yield np.asarray(picture.crop((left, top, left + width, top + height)))
    for entry in media.select("clip", "train"):
        with av.open(media.locate(entry.name)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number % CLIP_EVERY == 0:
                    yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
