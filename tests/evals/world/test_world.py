"""Worlds: the same from the same seed, true to their timeline, and lazy however long."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.schedule import usual_visits
from flashstream.evals.world.world import World, WorldSpec

TEN_MINUTES = WorldSpec("dev", 3)


def test_equal_specs_make_equal_frames_in_any_order() -> None:
    one, other = World(TEN_MINUTES), World(TEN_MINUTES)
    numbers = [0, 599, 77, 300]
    forward = {n: one.frame(n) for n in numbers}
    backward = {n: other.frame(n) for n in reversed(numbers)}
    for n in numbers:
        assert np.array_equal(forward[n], backward[n])
    assert one.timeline.facts() == other.timeline.facts()
    assert one.start == other.start


def test_another_seed_or_split_is_another_world(book: PictureBook) -> None:
    specs = [TEN_MINUTES, replace(TEN_MINUTES, seed=4), replace(TEN_MINUTES, split="test")]
    worlds = [World(spec, book) for spec in specs]
    facts = [str(world.timeline.facts()) for world in worlds]
    assert len(set(facts)) == 3
    assert len({world.frame(5).tobytes() for world in worlds}) == 3


def test_frames_are_pictures_of_the_size_asked_for(book: PictureBook) -> None:
    world = World(replace(TEN_MINUTES, size=(480, 270)), book)
    frame = world.frame(9)
    assert frame.shape == (270, 480, 3)
    assert frame.dtype == np.uint8
    assert len(world) == 600
    assert sum(1 for _ in world.frames(10, 20, 3)) == 4
    with pytest.raises(InvalidRequestError, match="0 to 599"):
        world.frame(600)


def test_what_the_timeline_says_is_what_the_frames_show(book: PictureBook) -> None:
    """Without noise and shake, frames change where and when someone is there, and not else."""
    spec = replace(TEN_MINUTES, noise=0.0, shake=0.0, quality=None, start_hour=12.0)
    world = World(spec, book)
    visits = world.timeline.visits
    empty = World(replace(spec, visits=1), book)
    alone = empty.timeline.visits[0]
    nobody = np.asarray(empty.frame(0 if alone.first_s > 5 else 599)).astype(float)
    for visit in visits:
        middle = int((visit.first_s + visit.last_s) / 2)
        changed = np.abs(world.frame(middle).astype(float) - nobody).mean()
        before = int(visits[0].path.enter_s) - 1
        assert changed > 1.5 * np.abs(world.frame(before).astype(float) - nobody).mean()
        assert world.share(visit, middle) > 0.5


def test_a_visit_is_as_long_as_half_of_the_actor_is_in_view(book: PictureBook) -> None:
    world = World(replace(TEN_MINUTES, fps=4.0), book)
    for visit in world.timeline.visits:
        first, last = round(visit.first_s * 4), round(visit.last_s * 4)
        assert world.share(visit, first) >= 0.5 > world.share(visit, first - 1)
        assert world.share(visit, last) >= 0.5 > world.share(visit, last + 1)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("hours", [1 / 30, 1.0, 24.0])
def test_visits_fit_and_are_never_more_than_two_at_once(
    book: PictureBook, split: str, hours: float
) -> None:
    for seed in range(4):
        world = World(WorldSpec(split, seed, length_s=3600 * hours), book)  # type: ignore[arg-type]
        visits = world.timeline.visits
        assert len(visits) == usual_visits(3600 * hours)
        assert visits[0].first_s > 0
        assert max(visit.last_s for visit in visits) < len(world)
        moments = [visit.first_s for visit in visits]
        assert max(len(world.timeline.seen_at(moment)) for moment in moments) <= 2
        names = [visit.name for visit in visits]
        assert len(set(names)) < len(names)  # someone returns
        assert all(a != b for a, b in pairwise(names))


def test_two_at_once_do_not_hide_each_other(book: PictureBook) -> None:
    found = 0
    for seed in range(6):
        world = World(WorldSpec("test", seed, length_s=3600), book)
        for visit in world.timeline.visits:
            for other in world.timeline.seen_at(visit.first_s):
                if other is visit:
                    continue
                found += 1
                start, end = max(visit.first_s, other.first_s), min(visit.last_s, other.last_s)
                times = start + np.arange(int(end - start) + 1, dtype=np.float64)
                apart = np.abs(visit.path.x_at(times) - other.path.x_at(times))
                assert (apart >= 0.9 * (visit.path.half_width + other.path.half_width)).all()
    assert found >= 5


def test_each_action_is_what_it_is_called(book: PictureBook) -> None:
    seen = set()
    for seed in range(4):
        for visit in World(WorldSpec("train", seed, length_s=1800), book).timeline.visits:
            path = visit.path
            times = np.arange(visit.first_s + 3, visit.last_s - 3, 0.5, dtype=np.float64)
            if len(times) < 30 and path.action != "cross":
                continue
            seen.add(path.action)
            x = path.x_at(times)
            if path.action == "stand":
                assert np.ptp(x) < 1e-9
            elif path.action == "pace":
                turns = np.count_nonzero(np.diff(np.sign(np.diff(x))))
                assert np.ptp(x) > 0.04
                assert turns >= 2
            else:
                assert path.came_from != path.left_to
                whole = path.x_at(np.arange(visit.first_s, visit.last_s, 0.25, dtype=np.float64))
                assert len({*np.sign(np.diff(whole)).tolist()}) == 1
            start = float(path.x_at(path.enter_s))
            assert (start < 0) == (path.came_from == "left")
            assert (float(path.x_at(path.leave_s)) < 0) == (path.left_to == "left")
    assert seen == {"stand", "pace", "cross"}


def test_nights_are_dark_evenings_warm_and_light_is_smooth(book: PictureBook) -> None:
    spec = WorldSpec("test", 5, length_s=86400, start_hour=0.0)
    light = World(spec, book)._light
    assert light.gain(0).mean() < 0.6 < light.gain(43200).mean()
    dusk, noon = light.gain(17.6 * 3600), light.gain(43200)
    assert dusk[0] / dusk[2] > 1.1 * noon[0] / noon[2]
    steps = [np.abs(light.gain(t + 1) - light.gain(t)).max() for t in range(0, 86400, 60)]
    assert max(steps) < 0.002  # from one second to the next


def test_noise_differs_from_frame_to_frame_and_is_as_strong_as_asked(book: PictureBook) -> None:
    spec = replace(TEN_MINUTES, shake=0.0, quality=None, noise=6.0)
    world, still = World(spec, book), World(replace(spec, noise=0.0), book)
    middle = np.s_[60:180, 80:240]
    errors = [world.frame(n)[middle].astype(float) - still.frame(n)[middle] for n in (0, 1)]
    assert 4.5 < errors[0].std() < 7.0
    assert np.abs(np.corrcoef(errors[0].ravel(), errors[1].ravel())[0, 1]) < 0.05


def test_the_camera_shakes_a_little(book: PictureBook) -> None:
    sensor = World(replace(TEN_MINUTES, shake=1.0), book)._sensor
    offsets = {sensor.offset(n) for n in range(200)}
    assert len(offsets) > 5
    assert max(abs(x) for offset in offsets for x in offset) <= 4


def test_a_frame_of_a_day_costs_as_little_as_one_of_a_minute(book: PictureBook) -> None:
    def cost(world: World) -> float:
        numbers = np.linspace(0, len(world) - 1, 12).astype(int)
        world.frame(0)
        best = []
        for n in numbers:
            start = time.perf_counter()
            world.frame(int(n))
            best.append(time.perf_counter() - start)
        return float(np.median(best))

    minute = World(WorldSpec("dev", 1, length_s=60), book)
    day = World(WorldSpec("dev", 1, length_s=86400), book)
    day.timeline  # noqa: B018 - planned before the clock runs
    assert cost(day) < 4 * cost(minute) + 0.005


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"split": "eval"}, "train, dev, test"),
        ({"seed": -1}, "0 or more"),
        ({"length_s": 5}, "20 seconds to 24 hours"),
        ({"length_s": 90000}, "24 hours"),
        ({"fps": 0}, "0.2 to 30"),
        ({"size": (321, 240)}, "even"),
        ({"sizes": (0.7, 0.5)}, "rise"),
        ({"visits": 0}, "at least once"),
        ({"extras": 0.3}, "train worlds"),
    ],
)
def test_a_spec_that_makes_no_world_is_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRequestError, match=says):
        WorldSpec(**{"split": "dev", "seed": 0, **wrong})  # type: ignore[arg-type]


def test_more_visits_than_fit_are_refused(book: PictureBook) -> None:
    with pytest.raises(InvalidRequestError, match="at least"):
        World(WorldSpec("dev", 0, length_s=60, visits=50), book).timeline  # noqa: B018


def test_extras_act_in_train_worlds_where_they_are_wanted(book: PictureBook) -> None:
    from flashstream.evals.world.names import extras

    known = {name.word for name in extras()}
    plain = World(WorldSpec("train", 2, length_s=3600), book)
    mixed = World(WorldSpec("train", 2, length_s=3600, extras=0.8), book)
    assert not known & {visit.name for visit in plain.timeline.visits}
    assert len(known & {visit.name for visit in mixed.timeline.visits}) >= 3


def test_whoever_no_frame_shows_is_not_in_the_timeline(book: PictureBook) -> None:
    """One that crosses in six seconds may pass between two frames five seconds apart."""
    missed = 0
    for seed in (0, 1, 6):
        spec = WorldSpec("test", seed, length_s=43_200, fps=0.2)
        visits = World(spec, book).timeline.visits
        missed += usual_visits(spec.length_s) - len(visits)
        assert all(visit.path.share_at(visit.first_s) >= 0.5 for visit in visits)
    assert missed
