"""Films for demo cameras: photographs shown in turn, and shipped clips, as real H.264.

Every film is an MP4 with a key frame each second and at each cut, and without B-frames: a viewer
who joins late sees a picture within a second, and packets leave in the order they are shown.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.video.frame import PictureType
from PIL import Image, ImageOps

from flashstream.errors import NotVideoError
from flashstream.video.opening import opened

# What a viewer sees drift: at most this share of the picture's width or height is out of view.
ZOOM = 0.12
_X264 = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", "forced-idr": "1"}


@dataclass(frozen=True, slots=True)
class Scene:
    """A photograph and for how long it is shown; `name` is what the schedule calls it."""

    picture: Path
    seconds: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a film shows from `start_s` (inclusive) to `end_s` (exclusive), in its own time."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Film:
    """An H.264 MP4 and what it shows when."""

    path: Path
    seconds: float
    fps: int
    schedule: tuple[Shown, ...]

    def shown_at(self, film_s: float) -> Shown:
        """What is to be seen at a time of the film; times beyond its end count on in a loop."""
        at = film_s % self.seconds
        return next((part for part in self.schedule if at < part.end_s), self.schedule[-1])


def film_of_photographs(
    scenes: Sequence[Scene], to: Path, *, size: tuple[int, int] = (640, 480), fps: int = 10
) -> Film:
    """Film photographs one after another, each with a slow zoom and pan, with hard cuts between.

    The middle part of a photograph that has the film's shape is shown, drifting by at most `ZOOM`.
    size: width and height in pixels, even. A scene lasts a whole number of frames, at least one.
    Equal arguments give equal pictures.
    """
    if not scenes:
        raise ValueError("a film needs at least one scene")
    counts = [max(1, round(scene.seconds * fps)) for scene in scenes]

    def pictures() -> Iterator[tuple[av.VideoFrame, bool]]:
        for number, (scene, count) in enumerate(zip(scenes, counts, strict=True)):
            for i, image in enumerate(_drift(scene.picture, count, size, number)):
                yield av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24"), i == 0

    _encode(pictures(), to, size, fps)
    schedule, start = [], 0
    for scene, count in zip(scenes, counts, strict=True):
        name = scene.name or scene.picture.stem
        schedule.append(Shown(name, start / fps, (start + count) / fps))
        start += count
    return Film(to, start / fps, fps, tuple(schedule))


def film_of_clip(
    clip: Path,
    to: Path,
    *,
    name: str = "",
    seconds: float | None = None,
    size: tuple[int, int] = (640, 480),
    fps: int = 10,
) -> Film:
    """Film a clip again at `fps` and at most at `size` (its own shape is kept), from its start.

    seconds: how much of the clip, all of it if None. Raises what opening a video raises
    (flashstream.errors.SourceError).
    """
    with opened(str(clip)) as source:
        stream = source.video
        scale = min(size[0] / stream.width, size[1] / stream.height, 1.0)
        width, height = (max(2, round(n * scale / 2) * 2) for n in (stream.width, stream.height))
        written = 0

        def pictures() -> Iterator[tuple[av.VideoFrame, bool]]:
            nonlocal written
            first: float | None = None
            for frame in source.container.decode(stream):
                if frame.pts is None or stream.time_base is None:
                    continue
                # Kept apart, as encoding a picture changes its time.
                shown = float(frame.pts * stream.time_base)
                first = shown if first is None else first
                # As often as needed to fill the film's even steps, and no oftener.
                while written / fps <= shown - first + 1e-6:
                    if seconds is not None and written >= round(seconds * fps):
                        return
                    yield frame.reformat(width, height, "yuv420p"), written == 0
                    written += 1

        _encode(pictures(), to, (width, height), fps)
    if not written:
        raise NotVideoError(f"No picture of {clip} could be decoded.")
    shown = Shown(name or clip.stem, 0.0, written / fps)
    return Film(to, written / fps, fps, (shown,))


def _drift(picture: Path, count: int, size: tuple[int, int], number: int) -> Iterator[Image.Image]:
    """`count` views of a photograph: in or out and left or right, as `number` says."""
    with Image.open(picture) as file:
        image = ImageOps.exif_transpose(file).convert("RGB")
    image = ImageOps.fit(
        image,
        (round(size[0] * (1 + ZOOM)), round(size[1] * (1 + ZOOM))),
        Image.Resampling.LANCZOS,
    )
    widest = min(image.width / size[0], image.height / size[1])
    for i in range(count):
        way = i / max(1, count - 1)
        near = way if number % 2 == 0 else 1 - way
        scale = widest * (1 - ZOOM * near)
        width, height = size[0] * scale, size[1] * scale
        side = way if number % 4 < 2 else 1 - way
        left, top = (image.width - width) * side, (image.height - height) / 2
        # Rounding must not lead a hair beyond the edge.
        box = (left, top, min(image.width, left + width), min(image.height, top + height))
        yield image.resize(size, Image.Resampling.BILINEAR, box=box)


def _encode(
    pictures: Iterable[tuple[av.VideoFrame, bool]], to: Path, size: tuple[int, int], fps: int
) -> None:
    with av.open(str(to), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=fps, options={**_X264, "g": str(fps)})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, fps)
        for number, (frame, cut) in enumerate(pictures):
            frame.pts, frame.time_base = number, Fraction(1, fps)
            frame.pict_type = PictureType.I if cut else PictureType.NONE
            out.mux(stream.encode(frame))
        if out.streams:
            out.mux(stream.encode(None))
