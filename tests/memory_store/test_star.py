"""STAR memory: what it keeps, in which order it gives it, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors.numpy import save_file
from support.memories import CHANNELS, GRID, STAR

from flashstream.errors import MemoryShapeError, SettingError
from flashstream.memory_store.abstract import SemanticAttention
from flashstream.memory_store.candidates import picture_id
from flashstream.memory_store.snapshot import Part
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


def test_snapshot_rows_are_what_they_say(frames: Make) -> None:
    config = STAR.model_copy(update={"detail": "heaviest"})
    memory, seen = StarMemory(config, GRID, CHANNELS, stream="yard"), frames(60)
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


@pytest.mark.parametrize("learned", [False, True])
def test_abstract_rows_follow_the_published_update(
    tmp_path: Path, small: StarConfig, frames: Make, learned: bool
) -> None:
    """M ← M·(1 − a) + a·f, a = 0.2·softmax(q·k/√d), in float64, with projections from a file."""
    rng = np.random.default_rng(6)
    query, key = np.eye(6, dtype=np.float32), np.eye(6, dtype=np.float32)
    attention = None
    if learned:
        query, key = (rng.normal(size=(4, 6)).astype(np.float32) for _ in range(2))
        save_file({"query": query, "key": key}, tmp_path / "attention.safetensors")
        attention = SemanticAttention.load(tmp_path / "attention.safetensors")
    memory = StarMemory(small, 4, 6, stream="yard", attention=attention)
    seen = frames(50)
    watch(memory, seen)
    means = [pooled(features, 1).reshape(-1) for features in seen]
    rows = np.array(means[:3], np.float64)
    for mean in means[3:]:
        scores = (rows @ query.T) @ (key @ mean) / np.sqrt(len(query))
        share = 0.2 * np.exp(scores) / np.exp(scores).sum()
        rows = rows * (1 - share[:, np.newaxis]) + share[:, np.newaxis] * mean
    np.testing.assert_allclose(memory.view().abstract, rows, rtol=1e-5, atol=1e-6)
    shown = memory.snapshot().features[:3].astype(np.float64)
    np.testing.assert_allclose(shown, rows, rtol=1e-3, atol=1e-4)


@settings(max_examples=60)
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


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((4, 4, 5), np.float16), r"shape \(4, 4, 5\); \(4, 4, 6\) is taken"),
        (np.zeros((16, 6), np.float16), r"shape \(16, 6\)"),
        (np.zeros((4, 4, 6), np.float32), "are float32; a float16 array"),
        ([[0.0]], "are list; a float16 array"),
        (np.full((4, 4, 6), np.nan, np.float16), "contain NaN"),
        (np.full((4, 4, 6), -np.inf, np.float16), "contain infinity"),
        (np.array([np.inf, -np.inf] * 48, np.float16).reshape(4, 4, 6), "contain infinity"),
    ],
)
def test_bad_frames_are_refused_and_change_nothing(
    new_memory: New, frames: Make, features: Features, message: str
) -> None:
    memory = new_memory()
    watch(memory, frames(9))
    before = memory.snapshot()
    with pytest.raises(MemoryShapeError, match=message):
        memory.observe(features, 1.8e9, b"")
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
