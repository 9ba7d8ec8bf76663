"""STAR memory: what it keeps, in which order it gives it, and what it refuses."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from flashstream.errors import MemoryShapeError, NoMemoryYetError, SettingError
from flashstream.memory_store.candidates import picture_id
from flashstream.memory_store.snapshot import MemorySnapshot, Part
from flashstream.memory_store.star import StarConfig, StarMemory

Features = NDArray[np.float16]
Make = Callable[[int], list[Features]]
New = Callable[[], StarMemory]


def watch(memory: StarMemory, frames: list[Features], start: int = 0) -> None:
    for number, features in enumerate(frames, start + 1):
        memory.observe(features, 1.7e9 + number, b"jpeg %d" % number)


def pooled(features: Features, grid: int) -> NDArray[np.float64]:
    side, _, channels = features.shape
    block = side // grid
    cells = features.astype(np.float64).reshape(grid, block, grid, block, channels)
    means: NDArray[np.float64] = cells.mean(axis=(1, 3))
    return means


def test_published_sizes_and_order() -> None:
    memory = StarMemory(StarConfig(), 8, 4, stream="yard")
    rng = np.random.default_rng(0)
    for number in range(40):
        memory.observe(rng.normal(size=(8, 8, 4)).astype(np.float16), float(number), b"")
    snapshot = memory.snapshot()
    assert StarConfig().tokens == 681
    assert snapshot.features.shape == (25 + 25 * 16 + 3 * 64 + 64, 4) == (681, 4)
    assert [int(p) for p in dict.fromkeys(snapshot.parts.tolist())] == [
        Part.ABSTRACT,
        Part.TEMPORAL,
        Part.RETRIEVED,
        Part.SPATIAL,
    ]
    assert np.bincount(snapshot.parts).tolist() == [25, 400, 192, 64]
    assert np.array_equal(snapshot.positions, np.arange(681)[:, None].repeat(3, axis=1))
    assert snapshot.positions.dtype == np.int32


def test_snapshot_rows_are_what_they_say(new_memory: New, frames: Make) -> None:
    memory, seen = new_memory(), frames(60)
    watch(memory, seen)
    snapshot = memory.snapshot()
    slots = snapshot.slots
    assert snapshot.version == snapshot.frames_seen == slots.weights.sum() == 60
    assert snapshot.as_of == 1.7e9 + 60

    spatial = snapshot.parts == Part.SPATIAL
    assert snapshot.groups[spatial].tolist() == [0] * 16 + [1] * 16
    newest = np.concatenate([seen[59].reshape(16, -1), seen[58].reshape(16, -1)])
    assert np.array_equal(snapshot.features[spatial], newest)
    assert snapshot.times[spatial].tolist() == [1.7e9 + 60] * 16 + [1.7e9 + 59] * 16

    abstract = snapshot.parts == Part.ABSTRACT
    assert snapshot.groups[abstract].tolist() == [0, 1, 2]
    assert snapshot.times[abstract].tolist() == [snapshot.as_of] * 3

    temporal = snapshot.parts == Part.TEMPORAL
    assert snapshot.groups[temporal].tolist() == np.repeat(slots.ids, 4).tolist()
    assert snapshot.times[temporal].tolist() == np.repeat(slots.mean_s, 4).tolist()
    rows = snapshot.features[temporal].reshape(5, 4, -1).astype(np.float64)
    total = sum(pooled(f, 2).reshape(4, -1) for f in seen)
    by_weight = np.einsum("s,spd->pd", slots.weights, rows)
    np.testing.assert_allclose(by_weight, total, atol=60 * 2e-3)

    retrieved = snapshot.parts == Part.RETRIEVED
    heaviest = sorted(range(5), key=lambda row: (-slots.weights[row], row))[:2]
    assert snapshot.groups[retrieved].tolist() == np.repeat(slots.ids[heaviest], 16).tolist()
    times = snapshot.times[retrieved]
    for place, row in enumerate(heaviest):
        number = round(times[place * 16] - 1.7e9)
        shown = snapshot.features[retrieved][place * 16 : (place + 1) * 16]
        assert np.array_equal(shown, seen[number - 1].reshape(16, -1))
        assert slots.pictures[row][0] == picture_id(b"jpeg %d" % number)


def test_candidates_are_the_nearest_of_those_carried_on(new_memory: New, frames: Make) -> None:
    """Replays the rule on all frames' full features, slot by slot."""
    memory, seen = new_memory(), frames(80)
    kept: dict[int, list[int]] = {}  # slot id → frame numbers, nearest first

    def distance(number: int, centroid: NDArray[np.float32]) -> float:
        point = pooled(seen[number - 1], 2).reshape(-1)
        return float(((point - centroid) ** 2).sum())

    for number, features in enumerate(seen, 1):
        delta = memory.observe(features, float(number), b"jpeg %d" % number)
        slots = memory.view().slots
        for slot in slots:
            cluster = slot.cluster
            if cluster.id not in delta.slots:
                assert [c.frame for c in slot.candidates] == kept[cluster.id]
                continue
            if cluster.weight == 1:
                pool = [number]
            elif delta.slots_removed:
                (gone,) = delta.slots_removed
                pool = kept[cluster.id] + kept[gone]
            else:
                pool = [*kept[cluster.id], number]
            ranked = sorted(pool, key=lambda n: distance(n, cluster.centroid))
            got = [c.frame for c in slot.candidates]
            wanted = ranked[:2]
            assert len(got) == len(wanted)
            for have, want in zip(got, wanted, strict=True):
                near = distance(have, cluster.centroid)
                assert near == pytest.approx(distance(want, cluster.centroid), abs=2e-3)
            for candidate in slot.candidates:
                assert candidate.thumbnail == b"jpeg %d" % candidate.frame
                assert candidate.time_s == candidate.frame
                true = distance(candidate.frame, cluster.centroid)
                assert candidate.distance == pytest.approx(true, abs=2e-3)
        kept = {s.cluster.id: [c.frame for c in s.candidates] for s in slots}


def test_delta_names_exactly_what_changed(new_memory: New, frames: Make) -> None:
    memory = new_memory()
    before: dict[int, bytes] = {}
    held: set[int] = set()
    for number, features in enumerate(frames(60), 1):
        delta = memory.observe(features, float(number), b"")
        slots = memory.view().slots
        now = {s.cluster.id: s.cluster.centroid.tobytes() + bytes(s.cluster.weight) for s in slots}
        frames_now = {c.frame for s in slots for c in s.candidates}
        assert delta.version == number
        assert delta.slots == {s for s in now if now[s] != before.get(s)}
        assert delta.slots_removed == before.keys() - now.keys()
        assert delta.frames == frames_now - held
        assert delta.frames_removed == held - frames_now
        assert len(delta.slots) <= 2
        before, held = now, frames_now


def test_replay_is_equal_to_the_bit(new_memory: New, frames: Make) -> None:
    first, second = new_memory(), new_memory()
    for memory in (first, second):
        watch(memory, frames(50))
    assert first.snapshot().uuid == second.snapshot().uuid
    assert first.snapshot().features.tobytes() == second.snapshot().features.tobytes()


def test_restored_state_has_the_same_future(new_memory: New, frames: Make) -> None:
    through, restored, seen = new_memory(), new_memory(), frames(70)
    watch(through, seen[:33])
    state = through.state()
    watch(through, seen[33:], start=33)
    restored.restore(state)  # after `through` went on: the state is a copy
    assert restored.version == 33
    watch(restored, seen[33:], start=33)
    assert restored.snapshot().uuid == through.snapshot().uuid


@settings(deadline=None, max_examples=60)
@given(
    st.builds(
        StarConfig,
        spatial_frames=st.integers(1, 3),
        spatial_grid=st.sampled_from([1, 2, 4]),
        temporal_slots=st.integers(1, 6),
        temporal_grid=st.sampled_from([1, 2, 4]),
        abstract_slots=st.integers(1, 4),
        retrieved_slots=st.integers(0, 8),
        retrieved_grid=st.sampled_from([1, 2, 4]),
        candidates=st.integers(1, 3),
    ),
    st.integers(1, 20),
    st.booleans(),
)
def test_any_sizes(config: StarConfig, count: int, identical: bool) -> None:
    memory = StarMemory(config, 4, 3, stream="yard")
    rng = np.random.default_rng(count)
    for number in range(count):
        features = np.ones((4, 4, 3)) if identical else rng.normal(size=(4, 4, 3))
        memory.observe(features.astype(np.float16), float(number), b"%d" % number)
        snapshot = memory.snapshot()
        seen = number + 1
        slots = min(seen, config.temporal_slots)
        assert len(snapshot.features) == (
            min(seen, config.abstract_slots)
            + slots * config.temporal_grid**2
            + min(slots, config.retrieved_slots) * config.retrieved_grid**2
            + min(seen, config.spatial_frames) * config.spatial_grid**2
        )
        assert len(snapshot.features) <= config.tokens
        assert np.isfinite(snapshot.features).all()
        assert snapshot.slots.weights.sum() == seen
        assert all(1 <= len(p) <= config.candidates for p in snapshot.slots.pictures)


def test_bytes_do_not_grow(new_memory: New, frames: Make) -> None:
    memory = new_memory()
    watch(memory, frames(200))
    early = memory.nbytes()
    watch(memory, frames(2000), start=200)
    # All slots are full; only the lengths of thumbnails' texts differ.
    assert abs(memory.nbytes() - early) <= 64


def test_pictures_of_remembered_frames_are_there(new_memory: New, frames: Make) -> None:
    memory = new_memory()
    watch(memory, frames(40))
    shown = {p for pictures in memory.snapshot().slots.pictures for p in pictures}
    jpegs = {memory.picture(picture) for picture in shown}
    assert len(jpegs) == len(shown)
    assert all(jpeg is not None and jpeg.startswith(b"jpeg ") for jpeg in jpegs)
    assert memory.picture("0" * 16) is None


def test_time_never_goes_back(new_memory: New, frames: Make) -> None:
    memory = new_memory()
    for features, time_s in zip(frames(3), (10.0, 7.0, 12.0), strict=True):
        memory.observe(features, time_s, b"")
    slots = memory.snapshot().slots
    assert slots.mean_s.tolist() == [10.0, 10.0, 12.0]


def test_snapshot_is_immutable_and_made_once_a_version(new_memory: New, frames: Make) -> None:
    memory, seen = new_memory(), frames(30)
    watch(memory, seen[:20])
    snapshot = memory.snapshot()
    assert memory.snapshot() is snapshot
    copies = [a.copy() for a in arrays(snapshot)]
    assert all(not a.flags.writeable for a in arrays(snapshot))
    watch(memory, seen[20:], start=20)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(snapshot), copies, strict=True))
    assert memory.snapshot().uuid != snapshot.uuid


def arrays(snapshot: MemorySnapshot) -> list[NDArray[np.generic]]:
    values = [getattr(snapshot, name) for name in snapshot.__dataclass_fields__]
    values += [getattr(snapshot.slots, name) for name in snapshot.slots.__dataclass_fields__]
    return [value for value in values if isinstance(value, np.ndarray)]


def test_uuid_names_stream_epoch_version_and_content(new_memory: New, frames: Make) -> None:
    one, other = new_memory(), new_memory()
    features = frames(1)[0]
    one.observe(features, 5.0, b"")
    other.observe(features, 6.0, b"")
    start, _, digest = one.snapshot().uuid.rpartition(":")
    assert start == "yard:1:1"
    assert len(digest) == 16
    assert not other.snapshot().uuid.endswith(digest)  # other times


def test_the_callers_array_may_be_reused(new_memory: New, frames: Make) -> None:
    reusing, fresh = new_memory(), new_memory()
    buffer = np.empty((4, 4, 6), np.float16)
    for number, features in enumerate(frames(30)):
        buffer[...] = features
        reusing.observe(buffer, float(number), b"")
        fresh.observe(features, float(number), b"")
    buffer[...] = 0
    assert reusing.snapshot().uuid == fresh.snapshot().uuid


def test_no_snapshot_before_the_first_frame(new_memory: New) -> None:
    with pytest.raises(NoMemoryYetError, match='"yard"'):
        new_memory().snapshot()


@pytest.mark.parametrize(
    ("features", "time_s", "message"),
    [
        (np.zeros((4, 4, 5), np.float16), 1.0, r"shape \(4, 4, 5\); \(4, 4, 6\) is taken"),
        (np.zeros((16, 6), np.float16), 1.0, r"shape \(16, 6\)"),
        (np.zeros((4, 4, 6), np.float32), 1.0, "are float32; a float16 array"),
        ([[0.0]], 1.0, "are list; a float16 array"),
        (np.full((4, 4, 6), np.nan, np.float16), 1.0, "contain NaN"),
        (np.full((4, 4, 6), -np.inf, np.float16), 1.0, "contain infinity"),
        (np.zeros((4, 4, 6), np.float16), float("nan"), "time is nan"),
        (np.zeros((4, 4, 6), np.float16), float("inf"), "time is inf"),
    ],
)
def test_bad_frames_are_refused_and_change_nothing(
    new_memory: New, frames: Make, features: Features, time_s: float, message: str
) -> None:
    memory = new_memory()
    watch(memory, frames(9))
    before = memory.snapshot()
    with pytest.raises(MemoryShapeError, match=message):
        memory.observe(features, time_s, b"")
    assert memory.snapshot() is before
    assert memory.version == 9


@pytest.mark.parametrize("cell", [(0, 0, 0), (3, 3, 5)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_bad_value_is_found(new_memory: New, cell: tuple[int, ...], value: float) -> None:
    features = np.full((4, 4, 6), 60000, np.float16)
    features[cell] = value
    with pytest.raises(MemoryShapeError):
        new_memory().observe(features, 1.0, b"")
    features[cell] = 0
    new_memory().observe(features, 1.0, b"")


@pytest.mark.parametrize("part", ["spatial_grid", "temporal_grid", "retrieved_grid"])
def test_a_grid_has_to_divide_the_encoders(part: str) -> None:
    grids = {"spatial_grid": 2, "temporal_grid": 2, "retrieved_grid": 2, part: 5}
    with pytest.raises(SettingError, match=rf"{part} = 5 .* grid of 8; accepted: 1, 2, 4, 8"):
        StarMemory(StarConfig(**grids), 8, 4, stream="yard")


@pytest.mark.parametrize(
    "wrong",
    [
        {"temporal_slots": 0},
        {"candidates": 0},
        {"abstract_rate": 0.0},
        {"abstract_rate": 1.5},
        {"spatial_grid": -1},
        {"slots": 3},
    ],
)
def test_bad_sizes_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        StarConfig.model_validate(wrong)
