"""Real clips as a memory meets them: features of the demo's encoder, and thumbnails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flashstream import media
from flashstream.memory_store.pooling import Pyramid
from flashstream.models.demo.encoder import DemoEncoder
from flashstream.models.family import Progress
from flashstream.video.picture import thumbnail

CLIPS = tuple(entry.name for entry in media.CATALOGUE if entry.kind == "clip")
LOW_SIDE = 256  # pixels; the encoder makes 8×8 patches of them
FULL_SIDE = 512  # 16×16 patches

_BATCH = 16

RGB = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Footage:
    """Clips one after another, as STAR memory takes them.

    features: float16[N, G, G, 1280], G = side / 32; thumbnails: N JPEGs, at most 320 pixels wide.
    """

    features: NDArray[np.float16]
    thumbnails: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.features)

    def every(self, step: int) -> "Footage":
        """Each `step`-th frame."""
        return Footage(self.features[::step], self.thumbnails[::step])

    def points(self, grid: int) -> NDArray[np.float32]:
        """float32[N, g·g·1280]: the frames as STAR memory consolidates them."""
        return np.stack([Pyramid(frame).at(grid).reshape(-1) for frame in self.features])


@dataclass(frozen=True, slots=True)
class PairedFootage:
    """Clips one after another in steps of two frames, as Flash memory takes them.

    low: float16[M, g, g, 1280]; full: float16[M, G, G, 1280], of the same frames with more pixels;
    thumbnails: M JPEGs of the steps' second frames, at most 320 pixels wide.
    """

    low: NDArray[np.float16]
    full: NDArray[np.float16]
    thumbnails: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.low)


def clip_frames(names: Sequence[str], every: int = 1) -> Iterator[RGB]:
    """Each `every`-th frame of each clip, one clip after another, as uint8[H, W, 3].

    Raises MissingPackageError if a clip's package is not installed.
    """
    for name in names:
        with av.open(str(media.locate(name))) as container:
            for frame in islice(container.decode(video=0), 0, None, every):
                yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def clip_pairs(names: Sequence[str], every: int = 1) -> Iterator[tuple[RGB, RGB]]:
    """Each `every`-th pair of consecutive frames of each clip; an odd last frame is left out."""
    for name in names:
        frames = clip_frames([name])
        yield from islice(zip(frames, frames, strict=False), 0, None, every)


def squashed(rgb: RGB, side: int) -> RGB:
    """The whole picture as a square of `side` pixels, as the demo family shows its encoder."""
    picture = Image.fromarray(rgb).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(picture, dtype=np.uint8)


def watch(
    names: Sequence[str],
    report: Progress,
    *,
    every: int = 1,
    side: int = LOW_SIDE,
    limit: int | None = None,
) -> Footage:
    """Encode each `every`-th frame of each clip, `limit` frames at most."""
    encoder = DemoEncoder("cpu", side)
    features: list[NDArray[np.float16]] = []
    pictures: list[bytes] = []
    total = _count(names, every, limit)
    for batch in _batches(islice(clip_frames(names, every), limit)):
        features.append(encoder.encode([squashed(rgb, side) for rgb in batch]))
        pictures.extend(thumbnail(rgb) for rgb in batch)
        report("encoding frames of clips", min(0.999, len(pictures) / total))
    report("encoding frames of clips", 1.0)
    return Footage(np.concatenate(features), tuple(pictures))


def watch_pairs(
    names: Sequence[str],
    report: Progress,
    *,
    every: int = 1,
    low_side: int = LOW_SIDE,
    full_side: int = FULL_SIDE,
    limit: int | None = None,
) -> PairedFootage:
    """Encode each `every`-th pair of frames of each clip, `limit` pairs at most.

    A step's features are the mean of its two frames': the temporal patch of the papers' vision
    transformer is linear in its two frames, and the demo's encoder sees one frame at a time.
    """
    low, full = DemoEncoder("cpu", low_side), DemoEncoder("cpu", full_side)
    lows: list[NDArray[np.float16]] = []
    fulls: list[NDArray[np.float16]] = []
    pictures: list[bytes] = []
    total = _count(names, 2 * every, limit)
    for batch in _batches(islice(clip_pairs(names, every), limit)):
        lows.append(_mean_of_pairs(low, batch, low_side))
        fulls.append(_mean_of_pairs(full, batch, full_side))
        pictures.extend(thumbnail(second) for _, second in batch)
        report("encoding pairs of frames", min(0.999, len(pictures) / total))
    report("encoding pairs of frames", 1.0)
    return PairedFootage(np.concatenate(lows), np.concatenate(fulls), tuple(pictures))


def _mean_of_pairs(
    encoder: DemoEncoder, pairs: Sequence[tuple[RGB, RGB]], side: int
) -> NDArray[np.float16]:
    first = encoder.encode([squashed(pair[0], side) for pair in pairs]).astype(np.float32)
    second = encoder.encode([squashed(pair[1], side) for pair in pairs])
    first += second
    first /= 2
    return first.astype(np.float16)


def _count(names: Sequence[str], every: int, limit: int | None) -> int:
    """About how many frames there will be, by what the files say of themselves."""
    total = 0
    for name in names:
        with av.open(str(media.locate(name))) as container:
            stream = container.streams.video[0]
            seconds = (container.duration or 0) / av.time_base
            total += stream.frames or round(seconds * float(stream.average_rate or 25))
    return max(1, min(total // every, limit or total))


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, _BATCH)):
        yield batch
