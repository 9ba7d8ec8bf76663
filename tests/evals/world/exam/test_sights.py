from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.exam import TinyFamily

from flashstream.errors import BenchmarkDataError, SettingError
from flashstream.evals.world.exam.sights import check, file_name, sights
from flashstream.evals.world.world import World, WorldSpec
from flashstream.models.family import FrameEncoder

SPEC = WorldSpec("dev", 1, length_s=20, fps=0.5)


def unused() -> FrameEncoder:
    raise AssertionError("the features were there")


def test_frames_are_rendered_as_they_are_asked_for(family: TinyFamily) -> None:
    world = World(SPEC)
    shown = sights(world, family, lambda: family.made)
    first = next(shown)
    assert family.made.frames == 4
    assert first[0] == 0.0
    rest = list(shown)
    assert [time for time, _ in rest] == [2.0 * number for number in range(1, 10)]
    alone = family.made.encode([family.preprocess(world.frame(7))])[0]
    assert (rest[6][1] == alone).all()


def test_kept_features_are_the_same_to_the_bit(family: TinyFamily, tmp_path: Path) -> None:
    world = World(SPEC)
    plain = list(sights(world, family, lambda: family.made))
    kept = list(sights(world, family, lambda: family.made, tmp_path))
    again = list(sights(world, family, unused, tmp_path))
    for one, two, three in zip(plain, kept, again, strict=True):
        assert one[0] == two[0] == three[0]
        assert (one[1] == two[1]).all()
        assert (one[1] == three[1]).all()
    assert [path.name for path in tmp_path.iterdir()] == [file_name(world, family)]


def test_other_worlds_and_encoders_have_files_of_their_own(family: TinyFamily) -> None:
    class Other(TinyFamily):
        def fingerprint(self) -> str:
            return "tiny-2"

    specs = (SPEC, replace(SPEC, seed=2), replace(SPEC, fps=1.0), replace(SPEC, noise=0.0))
    names = {file_name(World(spec), family) for spec in specs}
    assert len(names | {file_name(World(SPEC), Other())}) == 5


def test_an_interrupted_file_is_not_taken_for_a_whole_one(
    family: TinyFamily, tmp_path: Path
) -> None:
    class Failing(TinyFamily):
        def preprocess(self, rgb: np.ndarray) -> np.ndarray:
            if self.made.frames >= 4:
                raise KeyboardInterrupt
            return super().preprocess(rgb)

    failing = Failing()
    with pytest.raises(KeyboardInterrupt):
        list(sights(World(SPEC), failing, lambda: failing.made, tmp_path))
    assert len(list(sights(World(SPEC), family, lambda: family.made, tmp_path))) == 10
    assert family.made.frames == 10


@pytest.mark.parametrize("damage", ["text", "shape", "kind"])
def test_damaged_features_are_refused_by_name(
    damage: str, family: TinyFamily, tmp_path: Path
) -> None:
    path = tmp_path / file_name(World(SPEC), family)
    if damage == "text":
        path.write_text("no features")
    else:
        shape = (9, 4, 4, 3) if damage == "shape" else (10, 4, 4, 3)
        np.save(path, np.zeros(shape, np.float16 if damage == "shape" else np.float32))
    with pytest.raises(BenchmarkDataError, match=path.name):
        list(sights(World(SPEC), family, unused, tmp_path))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    check(None)
    check(tmp_path / "made" / "here")
    assert (tmp_path / "made" / "here").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="file"):
        check(tmp_path / "file" / "folder")
