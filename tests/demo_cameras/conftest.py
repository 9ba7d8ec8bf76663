"""Photographs of one colour each, and a film of them."""

from pathlib import Path

import pytest
from PIL import Image

from flashstream.demo.cameras import Film, Scene, film_of_photographs

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (50, 60, 210)}


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wide, a tall and a small photograph, of one colour each."""
    folder = tmp_path_factory.mktemp("photographs")
    sizes = {"red": (1600, 900), "green": (300, 500), "blue": (64, 64)}
    paths = {}
    for name, size in sizes.items():
        paths[name] = folder / f"{name}.png"
        Image.new("RGB", size, COLOURS[name]).save(paths[name])
    return paths


@pytest.fixture(scope="session")
def film(photographs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Red for 1 s, green for 0.5 s, blue for 1.5 s, at twenty pictures a second."""
    scenes = [
        Scene(photographs["red"], 1.0),
        Scene(photographs["green"], 0.5, "meadow"),
        Scene(photographs["blue"], 1.5),
    ]
    folder = tmp_path_factory.mktemp("films")
    return film_of_photographs(scenes, folder / "colours.mp4", size=(160, 120), fps=20)
