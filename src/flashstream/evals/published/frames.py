"""Frames of a video file or of numbered pictures, sampled at one rate."""

import math
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from flashstream.errors import BenchmarkDataError
from flashstream.evals.published.media import PictureFolders, VideoFile
from flashstream.video.source import VideoSource

_TOLERANCE_S = 1e-3


class Timed(Protocol):
    """Anything with a time in seconds since the video's first frame."""

    @property
    def time_s(self) -> float: ...


T = TypeVar("T", bound=Timed)


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame: its time, its picture's name without ending (or ""), and uint8[H, W, 3]."""

    time_s: float
    name: str
    rgb: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Picture:
    time_s: float
    path: Path


def shown(
    medium: VideoFile | PictureFolders, *, fps: float, folder_fps: float = 1.0
) -> Iterator[Shown]:
    """Frames from the first on, `fps` a second at most.

    folder_fps: pictures a second in a folder of pictures.
    Raises what `VideoSource.frames` raises, or `BenchmarkDataError` for a picture.
    """
    if isinstance(medium, VideoFile):
        with closing(VideoSource(str(medium.path.absolute()), fps=fps)) as source:
            for frame in source.frames():
                yield Shown(frame.pts_s, "", frame.rgb)
        return
    pictures = (_Picture(n / folder_fps, path) for n, path in enumerate(medium.pictures()))
    for picture in thinned(pictures, fps):
        yield Shown(picture.time_s, picture.path.stem, _decoded(picture.path))


def thinned(items: Iterable[T], fps: float) -> Iterator[T]:
    """The first item at or after each of the instants 0, 1/fps, 2/fps, …"""
    due = 0.0
    for item in items:
        if item.time_s >= due - _TOLERANCE_S:
            yield item
            due = (math.floor((item.time_s + _TOLERANCE_S) * fps) + 1) / fps


def _decoded(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"), dtype=np.uint8)
    except (OSError, UnidentifiedImageError, ValueError) as failure:
        raise BenchmarkDataError(f"cannot read the picture {path}: {failure}") from None
