"""Questions of every kind the demo model learned, about memories of real photographs.

Photographs of one split of the catalogue are shown in turn, five to ten seconds each, through the
encoder into the product's memory; what counts as true is the encoder's top-1 label of each.
"""

import numpy as np
from PIL import Image

from flashstream import media
from flashstream.evals.still import still_frames
from flashstream.models.demo.course import Page
from flashstream.models.demo.labels import Labels
from flashstream.models.demo.lessons import Teacher
from flashstream.models.demo.pack import CELLS
from flashstream.models.demo.scenes import Features, Painter, cells_of, tell
from flashstream.models.family import ModelFamily

QUESTIONS = 16
START_S = 1_790_000_000.0


def photograph_pages(
    family: ModelFamily,
    labels: Labels,
    classifier: tuple[Features, Features],
    split: media.Split,
    count: int,
    seed: int,
) -> list[Page]:
    """`count` memories of two to six photographs with `QUESTIONS` questions each.

    classifier: the encoder's W [labels, D] and b [labels].
    """
    rng = np.random.default_rng(seed)
    weight, bias = classifier
    sights = _sights(family, media.select("photo", split), rng)
    shown_as = [int(np.argmax(weight @ np.mean(frames, (0, 1)) + bias)) for frames in sights]
    painter = Painter(np.zeros((1, CELLS, weight.shape[1]), np.float32), weight, bias, rng)
    teacher = Teacher(labels, painter, rng)
    pages: list[Page] = []
    while len(pages) < count:
        chosen = rng.choice(len(sights), int(rng.integers(2, 7)), replace=False)
        if len({shown_as[k] for k in chosen}) < len(chosen):
            continue
        shown = [(shown_as[k], sights[k][: int(rng.integers(5, 11))]) for k in chosen]
        times = START_S + np.arange(sum(len(frames) for _, frames in shown))
        story = tell(family.memory, family.attention(), shown, times.tolist())
        pages.append(Page((story.snapshot,), (tuple(teacher.lessons(story, QUESTIONS)),)))
    return pages


def _sights(
    family: ModelFamily, photographs: tuple[media.Medium, ...], rng: np.random.Generator
) -> list[list[Features]]:
    """Of each photograph, the features of ten frames of a still camera."""
    encoder = family.encoder("cpu")
    sights = []
    for medium in photographs:
        with Image.open(media.locate(medium.name)) as picture:
            frames = [family.preprocess(frame) for frame in still_frames(picture, rng)]
        sights.append([cells_of(grid) for grid in encoder.encode(frames)])
    return sights
