from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from support.sketches import EVERYONE, Sketches, here

from flashstream.models.demo.bank import Bank
from flashstream.models.demo.pack import GRID
from flashstream.models.demo.streams import StoryWorld, Wardrobe

SKETCHES = Sketches(24)
WORLDS = 6
SEED = 15  # twelve minutes, 420 frames


@pytest.fixture(scope="module")
def bank() -> Bank:
    return SKETCHES.bank(EVERYONE, WORLDS)


@pytest.fixture(scope="module")
def wardrobe(bank: Bank) -> Wardrobe:
    return Wardrobe(bank)


def test_a_wardrobe_has_the_frames_of_each_picture_alone(bank: Bank, wardrobe: Wardrobe) -> None:
    assert all(wardrobe.wears(picture) for _, picture in EVERYONE)
    for _, picture in EVERYONE:
        frames = wardrobe.frames_of(picture)
        assert frames == sorted(frames)
        for share, frame in frames:
            (one,) = bank.sightings[frame]
            assert (one.picture, one.share) == (picture, share)


def test_it_has_none_of_who_was_never_whole_alone_or_is_of_train_worlds_only() -> None:
    seen = [
        here("fox", "one", 0.5),
        here("fox", "half", 0.5),
        here("cat", "extra", 0.5),
        here("bear", "together", 0.2),
    ]
    half = [SKETCHES.frame(0, (), k) for k in range(4)]
    sightings = ((seen[0],), (replace(seen[1], share=0.9),), (seen[2],), (seen[3], seen[0]))
    wardrobe = Wardrobe(Bank(np.stack(half), [0] * 4, sightings))
    pictures = ("one", "half", "extra", "together")
    assert [wardrobe.wears(picture) for picture in pictures] == [True, False, False, False]


def test_a_seed_s_world_is_always_the_same(wardrobe: Wardrobe) -> None:
    one, again, other = (StoryWorld(wardrobe, seed) for seed in (SEED, SEED, SEED + 1))
    assert one.timeline.facts() == again.timeline.facts() != other.timeline.facts()
    assert (one.start, len(one)) == (again.start, len(again))
    frames = 40
    assert all(np.array_equal(one.features(k), again.features(k)) for k in range(frames))


def test_worlds_last_from_seconds_to_a_day_and_play_who_is_in_the_wardrobe(bank: Bank) -> None:
    kept = {picture for _, picture in EVERYONE[::2]}
    some = [
        frame
        for frame, seen in enumerate(bank.sightings)
        if all(one.picture in kept for one in seen)
    ]
    wardrobe = Wardrobe(
        Bank(bank.features[some], [bank.worlds[k] for k in some], [bank.sightings[k] for k in some])
    )
    worlds = [StoryWorld(wardrobe, seed) for seed in range(20)]
    lengths = [world.spec.length_s for world in worlds]
    assert min(lengths) >= 40
    assert min(lengths) < 300
    assert max(lengths) > 7200
    assert max(lengths) <= 86400
    cast = {visit.picture.id for world in worlds for visit in world.timeline.visits}
    assert cast <= kept
    assert len(cast) > len(kept) / 2
    for world in worlds:
        assert len(world) <= max(420, 0.2 * world.spec.length_s)
        assert len(world.timeline.visits) >= 2


def test_frames_are_of_a_background_and_of_what_who_is_there_changes(
    bank: Bank, wardrobe: Wardrobe
) -> None:
    """What no mixture of backgrounds is, is what a visitor changes."""
    world = StoryWorld(wardrobe, SEED)
    empties = [frame for frames in bank.empties.values() for frame in frames]
    basis = np.concatenate(
        [
            bank.features[empties].reshape(len(empties), -1),
            [bank.background(number).reshape(-1) for number in range(WORLDS)],
        ]
    ).astype(np.float64)
    directions = np.linalg.svd(basis, full_matrices=False)[2]
    alone: dict[str, list[tuple[float, float]]] = {}
    nobody, right = 0, []
    marks = {picture: SKETCHES.mark(name, picture) for name, picture in EVERYONE}
    scenes: dict[bool, list[float]] = {True: [], False: []}
    for number in range(len(world)):
        time_s = world.time_of(number)
        frame = world.features(number).astype(np.float64).reshape(-1)
        rest = frame - directions.T @ (directions @ frame)
        there = [v for v in world.timeline.visits if v.path.enter_s < time_s < v.path.leave_s]
        change = float(np.linalg.norm(rest) / np.linalg.norm(frame))
        scenes[bool(there)].append(float(np.linalg.norm(directions @ frame)))
        if not there:
            nobody += 1
            assert change < 0.01
        elif len(there) == 1:
            share = float(there[0].path.share_at(time_s))
            alone.setdefault(there[0].name, []).append((share, change))
            if share > 0.95:
                assert change > 0.1
                cells = rest.reshape(GRID * GRID, -1).mean(0)
                likeness = {
                    picture: float(cells @ mark / np.linalg.norm(mark))
                    for picture, mark in marks.items()
                }
                right.append(max(likeness, key=lambda each: likeness[each]) == there[0].picture.id)
    assert nobody > 20
    assert len(right) > 20
    assert np.mean(right) > 0.95
    lengths = np.linalg.norm(basis, axis=1)
    assert 0.8 * min(lengths) < np.mean(scenes[False]) < 1.2 * max(lengths)
    # It is the same scene behind all of them, not one scene more with each visitor.
    assert np.mean(scenes[True]) == pytest.approx(np.mean(scenes[False]), rel=0.2)
    parts = [change for found in alone.values() for share, change in found if share < 0.4]
    wholes = [change for found in alone.values() for share, change in found if share > 0.95]
    assert np.mean(parts) < 0.7 * np.mean(wholes)


def test_light_and_texture_change_from_frame_to_frame(wardrobe: Wardrobe) -> None:
    world = StoryWorld(wardrobe, SEED)
    frames = [world.features(number) for number in islice(range(len(world)), 30)]
    assert all(frame.shape == (GRID, GRID, 24) and frame.dtype == np.float16 for frame in frames)
    assert len({frame.tobytes() for frame in frames}) == 30
