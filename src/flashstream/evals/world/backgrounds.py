"""The photographs that worlds are set in: of `flashstream.media`, each of one split."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from flashstream import media
from flashstream.evals.world.splits import Split

BACKGROUNDS: Final[Mapping[Split, tuple[str, ...]]] = {
    "train": tuple(entry.name for entry in media.select("photo", "train")),
    "dev": ("buckeye", "motorcycle", "rocket"),
    "test": ("arches", "thatched-roof", "yurt"),
}
"""None shows a thing of `names.NAMES`. Training of the demo model sees those of `train` alone."""


def background(
    split: Split, size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """float32[H, W, 3], 0 to 255: a part of a photograph. size: width, height.

    Raises `MissingPackageError` if the photograph's package is not installed.
    """
    names = BACKGROUNDS[split]
    name = names[int(rng.integers(len(names)))]
    with Image.open(media.locate(name)) as file:
        picture = ImageOps.exif_transpose(file).convert("RGB")
    width, height = size
    widest = min(picture.width / width, picture.height / height)
    scale = widest * float(rng.uniform(0.7, 1.0))
    left = float(rng.uniform(0, picture.width - width * scale))
    top = float(rng.uniform(0, picture.height - height * scale))
    box = (
        left,
        top,
        min(picture.width, left + width * scale),
        min(picture.height, top + height * scale),
    )
    part = picture.resize(size, Image.Resampling.BICUBIC, box=box)
    if rng.random() < 0.5:
        part = ImageOps.mirror(part)
    return np.asarray(part).astype(np.float32)
