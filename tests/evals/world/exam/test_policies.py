from math import inf

import numpy as np
import pytest
from support.exam import TinyFamily, scenes

from flashstream.errors import InvalidRequestError, NoMemoryYetError, SettingError
from flashstream.evals.baselines import StreamingKMeans
from flashstream.evals.baselines.lloyd import by_differences
from flashstream.evals.world.exam.policies import (
    USUAL,
    VARIANTS,
    Sitting,
    check,
    made,
    nothing,
    remembering,
)
from flashstream.evals.world.exam.sampling import spread
from flashstream.evals.world.exam.watch import Sight, watch
from flashstream.memory_store.pooling import Pyramid
from flashstream.memory_store.snapshot import MemorySnapshot, Part
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig

START = 1_000.0
FRAMES = 60


def remembered(
    family: TinyFamily, name: str, counts: tuple[int, ...], frames: list[Sight] | None = None
) -> list[MemorySnapshot]:
    """After so many frames each, of one second."""
    policy = made(name, family, Sitting("cam", counts, 4))
    moments = [count - 1.0 for count in counts]
    shown = frames or scenes(FRAMES)
    return [given[name] for _, given in watch(shown, moments, {name: policy}, START)]


def rows(snapshot: MemorySnapshot, part: Part) -> np.ndarray:
    found: np.ndarray = snapshot.features[snapshot.parts == part]
    return found


def pooled(number: int, grid: int) -> np.ndarray:
    return Pyramid(scenes(FRAMES)[number][1]).kept(grid).reshape(-1, 3)


@pytest.mark.parametrize("name", remembering((*USUAL, *VARIANTS)))
def test_full_memories_have_the_same_rows_and_the_same_parts(name: str, family: TinyFamily) -> None:
    (ours,), (other,) = (remembered(family, each, (FRAMES,)) for each in ("ours", name))
    assert len(other.features) == family.memory.tokens
    for part in (Part.ABSTRACT, Part.SPATIAL):
        assert (rows(ours, part) == rows(other, part)).all()
    assert (ours.parts == other.parts).all()
    assert other.frames_seen == other.version == FRAMES
    assert other.as_of == START + FRAMES - 1
    assert other.fingerprint == "tiny-1"
    shown = set(other.groups[other.parts == Part.RETRIEVED].tolist())
    assert len(shown) == 3
    assert shown <= set(other.slots.ids.tolist())
    assert (ours.uuid == other.uuid) == (name == "ours")


@pytest.mark.parametrize("name", remembering(USUAL))
def test_before_the_slots_are_full_every_frame_has_one(name: str, family: TinyFamily) -> None:
    (young,) = remembered(family, name, (3,))
    expected = np.concatenate([pooled(number, 2) for number in range(3)])
    assert (rows(young, Part.TEMPORAL) == expected).all()
    assert young.slots.first_s.tolist() == young.slots.last_s.tolist() == [1000, 1001, 1002]
    assert len(rows(young, Part.ABSTRACT)) == 3
    assert len(rows(young, Part.SPATIAL)) == 2 * 16


def test_fifo_has_the_newest_frames(family: TinyFamily) -> None:
    first, last = remembered(family, "fifo", (20, FRAMES))
    for snapshot, end in ((first, 20), (last, FRAMES)):
        newest = range(end - 6, end)
        expected = np.concatenate([pooled(number, 2) for number in newest])
        assert (rows(snapshot, Part.TEMPORAL) == expected).all()
        details = np.concatenate([pooled(number, 4) for number in (end - 1, end - 2, end - 3)])
        assert (rows(snapshot, Part.RETRIEVED) == details).all()
        slots = snapshot.slots
        for times in (slots.first_s, slots.mean_s, slots.last_s):
            assert times.tolist() == [START + number for number in newest]
        assert slots.weights.tolist() == [1] * 6


def test_uniform_has_frames_spread_over_all_up_to_each_moment(family: TinyFamily) -> None:
    counts = (11, 12, 31, FRAMES)
    for count, snapshot in zip(counts, remembered(family, "uniform", counts), strict=True):
        wanted = np.rint(np.linspace(0, count - 1, 6)).astype(int).tolist()
        expected = np.concatenate([pooled(number, 2) for number in wanted])
        assert (rows(snapshot, Part.TEMPORAL) == expected).all()
        assert snapshot.slots.mean_s.tolist() == [START + number for number in wanted]
        details = [wanted[0], wanted[2], wanted[5]]
        assert (
            rows(snapshot, Part.RETRIEVED) == np.concatenate([pooled(n, 4) for n in details])
        ).all()


def test_uniform_cannot_be_asked_at_a_moment_it_was_not_told_of(family: TinyFamily) -> None:
    policy = made("uniform", family, Sitting("cam", (40,), 0))
    with pytest.raises(InvalidRequestError, match="31 frames"):
        list(watch(scenes(FRAMES), (30.0,), {"uniform": policy}, START))


@pytest.mark.parametrize(("count", "most"), [(1, 5), (5, 5), (4, 9), (100, 7), (9, 1), (3, 0)])
def test_spread_frames_are_distinct_with_both_ends(count: int, most: int) -> None:
    numbers = spread(count, most)
    assert len(numbers) == min(count, most) == len(set(numbers))
    assert not numbers or numbers[-1] == count - 1
    assert len(numbers) < 2 or numbers[0] == 0


def test_k_means_is_the_papers_with_its_heaviest_slots_in_detail(family: TinyFamily) -> None:
    (snapshot,) = remembered(family, "streaming_kmeans", (FRAMES,))
    plain = StreamingKMeans(6, 4, measure=by_differences)
    points = [Pyramid(features).at(2).reshape(-1) for _, features in scenes(FRAMES)]
    for number, point in enumerate(points):
        plain.add(point, START + number)
    assert snapshot.slots.weights.tolist() == plain.weights().tolist()
    assert snapshot.slots.weights.sum() == FRAMES
    np.testing.assert_allclose(snapshot.slots.mean_s, plain.times())
    centroids = rows(snapshot, Part.TEMPORAL).reshape(6, -1)
    np.testing.assert_allclose(centroids, plain.centroids(), atol=2e-3)
    slots = snapshot.slots
    assert (slots.first_s <= slots.mean_s).all()
    assert (slots.mean_s <= slots.last_s).all()
    assert (slots.first_s.min(), slots.last_s.max()) == (START, START + FRAMES - 1)
    heaviest = np.argsort(-plain.weights(), kind="stable")[:3]
    chosen = snapshot.parts == Part.RETRIEVED
    assert snapshot.groups[chosen][::16].tolist() == heaviest.tolist()
    # Of a bounded choice of frames the nearest: one of the four nearest of all.
    numbers = (snapshot.times[chosen][::16] - START).astype(int).tolist()
    for row, number in zip(heaviest, numbers, strict=True):
        distances = [float(((point - plain.centroids()[row]) ** 2).sum()) for point in points]
        assert sorted(distances).index(distances[number]) < 4
    expected = np.concatenate([pooled(number, 4) for number in numbers])
    assert (rows(snapshot, Part.RETRIEVED) == expected).all()


def test_variants_are_the_product_s_memory_chosen_otherwise(family: TinyFamily) -> None:
    (snapshot,) = remembered(family, "papers", (FRAMES,))
    config = StarConfig.model_validate(
        {
            **family.memory.model_dump(),
            "temper": 1.0,
            "foresight": 1.0,
            "saturation": inf,
            "detail": "heaviest",
        }
    )
    memory = StarMemory(config, 4, 3, stream="cam papers", fingerprint="tiny-1")
    for second, features in scenes(FRAMES):
        memory.observe(features, START + second, b"")
    assert memory.snapshot().uuid == snapshot.uuid


def test_without_details_all_goes_on(family: TinyFamily) -> None:
    family.memory = family.memory.model_copy(update={"retrieved_slots": 0})
    for name in remembering(USUAL):
        (snapshot,) = remembered(family, name, (FRAMES,))
        assert len(rows(snapshot, Part.RETRIEVED)) == 0
        assert len(snapshot.features) == family.memory.tokens


def test_nothing_is_asked_before_the_first_frame(family: TinyFamily) -> None:
    for name in remembering(USUAL):
        with pytest.raises((NoMemoryYetError, InvalidRequestError)):
            made(name, family, Sitting("cam", (5,), 0)).snapshot()


def test_the_blind_have_a_memory_of_no_rows(family: TinyFamily) -> None:
    snapshot = nothing(family, "cam blind", 17.5)
    assert family.pack(snapshot).tokens == snapshot.nbytes() == len(snapshot.slots.ids) == 0
    assert snapshot.as_of == 17.5
    assert snapshot.fingerprint == "tiny-1"
    assert snapshot.uuid != nothing(family, "cam blind", 18.0).uuid


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["ours", "lifo"], "'lifo'.*there are: ours, fifo, uniform, streaming_kmeans, blind, pap"),
        (["fifo", "blind"], "'ours'"),
        (["ours", "fifo", "fifo"], "each once"),
    ],
)
def test_other_policies_are_refused(names: list[str], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        check(names)
