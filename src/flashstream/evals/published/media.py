"""Where a question's frames lie: a video file, a folder of pictures, or stored features."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flashstream.evals.published.question import Question

FEATURE_ENDINGS = (".safetensors", ".npz")
VIDEO_ENDINGS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".flv", ".3gp")
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

# MovieNet's scenes "tt0067116_0008_0012" may lie in folders of fewer scenes each.
_SCENES = re.compile(r"(.+)_(\d{4})_(\d{4})")
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A file that PyAV decodes."""

    path: Path


@dataclass(frozen=True, slots=True)
class PictureFolders:
    """Folders of numbered pictures, shown one folder after another."""

    paths: tuple[Path, ...]

    def pictures(self) -> list[Path]:
        """The pictures in the order of the numbers in their names."""
        return [
            picture
            for folder in self.paths
            for picture in sorted(
                (p for p in folder.iterdir() if p.suffix.lower() in PICTURE_ENDINGS),
                key=lambda p: ([int(n) for n in _NUMBERS.findall(p.stem)], p.name),
            )
        ]


@dataclass(frozen=True, slots=True)
class StoredFeatures:
    """A file of features; its layout is in `features.py`."""

    path: Path


Medium = VideoFile | PictureFolders | StoredFeatures


def locate(question: Question, places: Sequence[Path]) -> Medium | None:
    """What there is of a question's video, in the first folder that has any of its names.

    In one folder features come before pictures, and these before a video file.
    """
    for place in places:
        for name in question.media:
            found = _at(place / name)
            if found is not None:
                return found
    return None


def looked_for(question: Question, places: Sequence[Path]) -> str:
    """What `locate` looks for, in words."""
    names = ", ".join(
        name if Path(name).suffix.lower() in VIDEO_ENDINGS else f"{name}.mp4 (…)"
        for name in question.media
    )
    return f"{names} in {', '.join(map(str, places))}"


def _at(path: Path) -> Medium | None:
    bare = path.with_suffix("") if path.suffix.lower() in VIDEO_ENDINGS else path
    for ending in FEATURE_ENDINGS:
        features = bare.with_name(bare.name + ending)
        if features.is_file():
            return StoredFeatures(features)
    for folder in dict.fromkeys((path, bare)):
        if folder.is_dir():
            return PictureFolders((folder,))
    scenes = _scenes(bare)
    if scenes:
        return PictureFolders(scenes)
    if path.is_file():
        return VideoFile(path)
    for ending in VIDEO_ENDINGS:
        video = bare.with_name(bare.name + ending)
        if video.is_file():
            return VideoFile(video)
    return None


def _scenes(path: Path) -> tuple[Path, ...]:
    """The folders of scenes that lie within a stretch of scenes, in their order."""
    wanted = _SCENES.fullmatch(path.name)
    if wanted is None or not path.parent.is_dir():
        return ()
    movie, first, last = wanted[1], int(wanted[2]), int(wanted[3])
    found = []
    for folder in path.parent.glob(f"{movie}_*"):
        scenes = _SCENES.fullmatch(folder.name)
        if scenes is not None and folder.is_dir() and scenes[1] == movie:
            begin, end = int(scenes[2]), int(scenes[3])
            if first <= begin and end <= last:
                found.append((begin, end, folder))
    return tuple(folder for *_, folder in sorted(found))
