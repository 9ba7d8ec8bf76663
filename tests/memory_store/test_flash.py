"""Flash memory: two resolutions, what is shown at which, and where in time and space."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from support.likeness import exactly
from support.memories import CHANNELS, FLASH, KINDS, steps, watch

from flashstream.errors import MemoryShapeError
from flashstream.memory_store.candidates import picture_id
from flashstream.memory_store.flash import FlashConfig, FlashMemory, FlashStep
from flashstream.memory_store.positions import TimelineName, timeline
from flashstream.memory_store.snapshot import Part

Halves = NDArray[np.float16]

(KIND,) = (kind for kind in KINDS if kind.name == "flash")
LOW, FULL = np.zeros((2, 2, CHANNELS), np.float16), np.zeros((4, 4, CHANNELS), np.float16)


def flash(config: FlashConfig, channels: int = CHANNELS) -> FlashMemory:
    return FlashMemory(config, channels, stream="yard", epoch=1, fingerprint="f00d")


def by_loops(times: list[int], side: int, offset: int) -> list[list[int]]:
    """(t, h, w) of each patch of each entry, row by row."""
    return [
        [time + offset, row + offset, column + offset]
        for time in times
        for row in range(side)
        for column in range(side)
    ]


def test_published_sizes_and_order() -> None:
    memory = flash(FlashConfig(), channels=3)
    rng = np.random.default_rng(0)
    for number in range(70):
        low, full = (rng.normal(size=(g, g, 3)).astype(np.float16) for g in (8, 16))
        memory.observe(FlashStep(low, full), 1.7e9 + 2 * number, b"")
    snapshot = memory.snapshot()
    assert FlashConfig().tokens == 11_520
    assert snapshot.features.shape == (30 * 256 + 60 * 64, 3) == (11_520, 3)
    assert snapshot.parts.tolist() == [Part.RETRIEVED] * 7680 + [Part.TEMPORAL] * 3840
    detail, context = snapshot.positions[:7680], snapshot.positions[7680:]
    assert snapshot.positions.dtype == np.int32
    assert detail[:, 1:].min() == 0
    assert detail[:, 1:].max() == 15
    assert context[:, 1:].min() == 7680
    assert context[:, 1:].max() == 7680 + 7
    # Both parts lie on one timeline, in which a position is two seconds.
    assert min(detail[:, 0].min(), context[:, 0].min() - 7680) == 0
    assert max(detail[:, 0].max(), context[:, 0].max() - 7680) <= 69
    assert np.all(np.diff(detail[:, 0]) >= 0)
    assert np.all(np.diff(context[:, 0]) >= 0)


def test_snapshot_rows_are_what_they_say() -> None:
    memory, seen = flash(FLASH.model_copy(update={"detail": "heaviest"})), steps(60)
    watch(memory, seen)
    snapshot, slots = memory.snapshot(), memory.snapshot().slots
    assert (snapshot.version, snapshot.frames_seen, slots.weights.sum()) == (60, 120, 60)
    assert snapshot.as_of == 1.7e9 + 60

    context = snapshot.parts == Part.TEMPORAL
    in_time = np.argsort(slots.mean_s, kind="stable")
    assert snapshot.groups[context].tolist() == np.repeat(slots.ids[in_time], 4).tolist()
    assert snapshot.times[context].tolist() == np.repeat(slots.mean_s[in_time], 4).tolist()
    rows = snapshot.features[context].reshape(5, 4, -1).astype(np.float64)
    by_weight = np.einsum("s,spd->pd", slots.weights[in_time], rows)
    total = sum(step.low.astype(np.float64).reshape(4, -1) for step in seen)
    np.testing.assert_allclose(by_weight, total, atol=60 * 2e-3)

    detail = snapshot.parts == Part.RETRIEVED
    heaviest = sorted(range(5), key=lambda row: (-slots.weights[row], row))[:2]
    shown = snapshot.groups[detail][::16].tolist()
    assert sorted(shown) == sorted(slots.ids[heaviest].tolist())
    times = snapshot.times[detail]
    assert np.all(np.diff(times) >= 0)
    for place, group in enumerate(shown):
        number = round(times[place * 16] - 1.7e9)
        rows16 = snapshot.features[detail][place * 16 : (place + 1) * 16]
        assert np.array_equal(rows16, seen[number - 1].full.reshape(16, -1))
        (row,) = np.flatnonzero(slots.ids == group)
        assert slots.pictures[row][0] == picture_id(b"jpeg %d" % number)


@pytest.mark.parametrize("name", ["rank", "time", "compact"])
def test_positions_are_time_height_and_width(name: TimelineName) -> None:
    config = FLASH.model_copy(update={"timeline": name, "position_s": 0.5, "max_positions": 40})
    memory, seen = flash(config), steps(40)
    for number, step in enumerate(seen):
        memory.observe(step, 1.7e9 + number**2, b"")  # up to 25 minutes: 3042 positions
    snapshot = memory.snapshot()
    times = np.concatenate([snapshot.times[:32:16], snapshot.times[32::4]])
    at = timeline(name, 0.5, 40)(times).tolist()
    expected = by_loops(at[:2], 4, 0) + by_loops(at[2:], 2, 32)
    assert snapshot.positions.tolist() == expected
    assert max(at) == {"rank": 6, "time": round((times.max() - times.min()) / 0.5)}.get(name, 39)


def test_a_stream_of_months_stays_within_the_trained_positions() -> None:
    """A step of a minute's watching each hour, for two months."""
    config = FLASH.model_copy(update={"csm_slots": 12, "dam_slots": 6, "foresight": 1.0})
    memory, seen = flash(config), steps(60)
    for number in range(24 * 60):
        memory.observe(seen[number % 60], 1.7e9 + 3600 * number, b"")
    snapshot = memory.snapshot()
    assert snapshot.times.max() - snapshot.times.min() > 20 * 86_400
    assert snapshot.frames_seen == 2 * 24 * 60
    offset = 6 * 16
    entries = np.concatenate([snapshot.positions[:offset, 0], snapshot.positions[offset:, 0] - 96])
    assert entries.min() == 0
    assert entries.max() == config.max_positions - 1
    order = np.argsort(snapshot.times, kind="stable")
    assert np.all(np.diff(entries[order]) >= 0)
    assert np.unique(entries).size == np.unique(snapshot.times).size  # none fell together


@pytest.mark.parametrize("policy", ["heaviest", "novel", "balanced"])
def test_the_policy_chooses_what_is_shown_in_full(policy: str) -> None:
    """A yard that is almost always empty, two things seen rarely, and one for a moment."""
    rng = np.random.default_rng(3)
    config = FLASH.model_copy(
        update={"csm_slots": 4, "dam_slots": 2, "detail": policy, "foresight": 1.0}
    )
    memory = flash(config)
    places = [0.0, 3.0, 5.0, 60.0]
    order = [0] * 50 + [1] * 20 + [2] * 10 + [3] + [0] * 30
    for number, place in enumerate(order):
        low, full = (
            (places[place] + 0.01 * rng.normal(size=shape)).astype(np.float16)
            for shape in (LOW.shape, FULL.shape)
        )
        memory.observe(FlashStep(low, full), float(number), b"")
    snapshot = memory.snapshot()
    id_of = dict(zip(snapshot.slots.weights.tolist(), snapshot.slots.ids.tolist(), strict=True))
    assert id_of.keys() == {80, 20, 10, 1}
    heavy = {"heaviest": {80, 20}, "novel": {20, 1}, "balanced": {80, 1}}[policy]
    assert set(snapshot.groups[: 2 * 16 : 16].tolist()) == {id_of[weight] for weight in heavy}
    means = snapshot.features[:32].reshape(2, -1).astype(np.float64).mean(axis=1)
    expected = {"heaviest": [0, 3], "novel": [3, 60], "balanced": [0, 60]}[policy]
    assert sorted(means.round().tolist()) == expected
    assert np.all(np.diff(snapshot.times[:32]) >= 0)  # by time, not by merit


def test_other_positions_have_another_name() -> None:
    """An engine that keeps what it made of a snapshot must not take one for the other."""
    ranked, timed = (KIND.watched(40, timeline=name).snapshot() for name in ("rank", "time"))
    assert np.array_equal(ranked.features, timed.features)
    assert not np.array_equal(ranked.positions, timed.positions)
    assert ranked.uuid != timed.uuid


def test_a_restored_memory_gives_the_same_snapshot() -> None:
    memory = KIND.watched(40)
    restored = KIND.empty()
    restored.restore(memory.state())
    assert restored.snapshot().uuid == memory.snapshot().uuid
    assert restored.snapshot().positions.tobytes() == memory.snapshot().positions.tobytes()


@settings(max_examples=60)
@given(
    st.builds(
        FlashConfig,
        csm_slots=st.integers(1, 6),
        csm_grid=st.integers(1, 3),
        dam_slots=st.integers(0, 8),
        dam_grid=st.integers(1, 4),
        candidates=st.integers(1, 3),
        detail=st.sampled_from(["heaviest", "novel", "balanced"]),
        temper=st.sampled_from([0.0, 0.5, 1.0]),
        foresight=st.sampled_from([1.0, 16.0]),
        timeline=st.sampled_from(["rank", "time", "compact"]),
        position_s=st.sampled_from([0.1, 2.0]),
        max_positions=st.integers(1, 50),
    ),
    st.integers(1, 20),
    st.booleans(),
)
def test_any_sizes(config: FlashConfig, count: int, identical: bool) -> None:
    memory = flash(config, 3)
    rng = np.random.default_rng(count)
    for number in range(count):
        low, full = (
            (np.ones((g, g, 3)) if identical else rng.normal(size=(g, g, 3))).astype(np.float16)
            for g in (config.csm_grid, config.dam_grid)
        )
        memory.observe(FlashStep(low, full), 7.0 * number, b"%d" % number)
        snapshot = memory.snapshot()
        seen = number + 1
        slots = min(seen, config.csm_slots)
        details = min(slots, config.dam_slots)
        offset = details * config.dam_grid**2
        assert len(snapshot.features) == offset + slots * config.csm_grid**2 <= config.tokens
        assert len(snapshot.positions) == len(snapshot.features)
        assert np.isfinite(snapshot.features).all()
        assert snapshot.slots.weights.sum() == seen
        assert snapshot.frames_seen == 2 * seen
        assert all(1 <= len(p) <= config.candidates for p in snapshot.slots.pictures)
        entries = np.concatenate(
            [snapshot.positions[:offset, 0], snapshot.positions[offset:, 0] - offset]
        )
        assert entries.min() == 0
        if config.timeline == "compact":
            assert entries.max() < config.max_positions


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (FlashStep(FULL, FULL), r"low have shape \(4, 4, 6\); \(2, 2, 6\) is taken"),
        (FlashStep(LOW, LOW), r"full have shape \(2, 2, 6\); \(4, 4, 6\) is taken"),
        (FlashStep(LOW[..., :5], FULL), r"low have shape \(2, 2, 5\)"),
        (FlashStep(LOW.reshape(4, 6), FULL), r"low have shape \(4, 6\)"),
        (FlashStep(LOW.astype(np.float32), FULL), "low are float32; a float16 array"),
        (FlashStep(LOW, FULL.astype(">f2")), "full are >f2; a float16 array"),
        (FlashStep(LOW, None), "full are NoneType; a float16 array"),  # type: ignore[arg-type]
        (FlashStep(LOW + np.float16(np.nan), FULL), "low contain NaN"),
        (FlashStep(LOW, FULL + np.float16(np.nan)), "full contain NaN"),
        (FlashStep(LOW, FULL - np.float16(np.inf)), "full contain infinity"),
    ],
)
def test_bad_steps_are_refused_and_change_nothing(step: FlashStep, message: str) -> None:
    memory = KIND.watched(9)
    before, records = memory.snapshot(), exactly(memory.view())
    with pytest.raises(MemoryShapeError, match=message):
        memory.observe(step, 1.8e9, b"")
    assert memory.snapshot() is before
    assert exactly(memory.view()) == records


@pytest.mark.parametrize("cell", [(0, 0, 0), (1, 1, 5)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_bad_value_is_found(cell: tuple[int, ...], value: float) -> None:
    for part in ("low", "full"):
        arrays: dict[str, Halves] = {"low": LOW + 60_000, "full": FULL + 60_000}
        arrays[part][cell] = value
        with pytest.raises(MemoryShapeError, match=f"{part} contain"):
            KIND.empty().observe(FlashStep(**arrays), 1.0, b"")
        arrays[part][cell] = 0
        KIND.empty().observe(FlashStep(**arrays), 1.0, b"")


@pytest.mark.parametrize(
    "wrong",
    [
        {"csm_slots": 0},
        {"dam_slots": -1},
        {"candidates": 0},
        {"temper": 1.5},
        {"foresight": 0.5},
        {"foresight": float("inf")},
        {"temper": float("nan")},
        {"position_s": 0.0},
        {"position_s": float("inf")},
        {"max_positions": 0},
        {"timeline": "real"},
        {"detail": "best"},
        {"temporal_slots": 3},
    ],
)
def test_bad_sizes_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FlashConfig.model_validate(wrong)
