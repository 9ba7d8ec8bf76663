from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.world import World, WorldSpec
from flashstream.memory_store.pooling import pool
from flashstream.models.demo.bank import FIRST_SEED, Bank, bank
from flashstream.models.demo.pack import CELLS, GRID
from flashstream.models.family import ModelFamily

WORLDS = 2
"""The frames of the second all have someone in them, so it is left out."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bank") / "frames.npy"


@pytest.fixture(scope="module")
def told() -> list[float]:
    return []


@pytest.fixture(scope="module")
def made(path: Path, family: ModelFamily, told: list[float]) -> Bank:
    with threadpool_limits(1):
        return bank(path, family, WORLDS, lambda _, share: told.append(share))


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    book = PictureBook()
    specs = (
        WorldSpec("train", FIRST_SEED + number, length_s=150, visits=9, extras=0.5)
        for number in range(WORLDS)
    )
    return [World(spec, book) for spec in specs]


def test_each_frame_has_its_features_its_world_and_who_is_in_it(
    made: Bank, told: list[float], path: Path, worlds: list[World]
) -> None:
    """Two of each visit, and three more."""
    counts = [2 * len(world.timeline.visits) + 3 for world in worlds]
    features = np.load(path)
    assert len(features) == sum(counts)
    assert np.array_equal(made.features, features[: counts[0]])
    assert made.features.shape == (len(made.worlds), GRID, GRID, 1280)
    assert made.features.dtype == np.float16
    assert len(made.sightings) == len(made.worlds)
    assert set(made.worlds) == {0}
    assert told == [0.5, 1.0]


def test_labels_are_the_world_s_truth(made: Bank, worlds: list[World], family: ModelFamily) -> None:
    """A second of the world has just those in it, at those places, and its frame those features."""
    moments: dict[int, int] = {}
    for number, seen in enumerate(made.sightings):
        world = worlds[made.worlds[number]]
        fitting = []
        for second in range(len(world)):
            there = {
                (v.name, v.picture.id, float(v.path.share_at(second)), float(v.path.x_at(second)))
                for v in world.timeline.visits
                if v.path.enter_s < second < v.path.leave_s
            }
            if there == {(one.name, one.picture, one.share, one.x) for one in seen}:
                fitting.append(second)
        assert fitting
        if len(fitting) == 1:
            moments[number] = fitting[0]
    chosen = [number for number in moments if made.sightings[number]][::6]
    assert len(chosen) >= 2
    with threadpool_limits(1):
        frames = [family.preprocess(worlds[0].frame(moments[number])) for number in chosen]
        grids = family.encoder("cpu").encode(frames).astype(np.float32)
    for number, grid in zip(chosen, grids, strict=True):
        np.testing.assert_allclose(made.features[number], pool(grid, GRID), atol=0.05)


def test_the_background_is_what_empty_frames_show(made: Bank) -> None:
    empty = made.empties[0]
    assert empty == [k for k, seen in enumerate(made.sightings) if not seen]
    cells = made.features[empty].astype(np.float32).reshape(len(empty), CELLS, -1)
    assert np.array_equal(made.background(0), np.median(cells, 0))
    frame = next(k for k, seen in enumerate(made.sightings) if seen)
    together = made.background(0) + made.difference(frame)
    wanted = made.features[frame].astype(np.float32).reshape(CELLS, -1)
    np.testing.assert_allclose(together, wanted, atol=1e-5)


def test_who_is_in_the_picture_changes_it_more_than_noise_does(made: Bank) -> None:
    def change(frames: list[int]) -> float:
        return float(np.mean([np.square(made.difference(k)).mean() for k in frames]))

    whole = [k for k, seen in enumerate(made.sightings) if any(s.share > 0.9 for s in seen)]
    assert change(whole) > 5 * change(made.empties[0])


def test_features_are_encoded_once(made: Bank, path: Path, family: ModelFamily) -> None:
    class NoEncoder:
        def encoder(self, device: str) -> None:
            raise AssertionError("features are in the file")

    again = bank(path, NoEncoder(), WORLDS, lambda *_: None)  # type: ignore[arg-type]
    assert np.array_equal(again.features, made.features)
    assert list(again.sightings) == list(made.sightings)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_of_other_worlds_is_refused(made: Bank, path: Path, family: ModelFamily) -> None:
    with pytest.raises(ValueError, match=r"frames\.npy has .* frames, not .*: delete it"):
        bank(path, family, WORLDS + 1, lambda *_: None)
