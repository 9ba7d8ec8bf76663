"""A memory's state as records: what comes back, how near, and what is not written again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.likeness import assert_alike, exactly, off
from support.memories import KINDS, Kind, watch

from flashstream.errors import CorruptRecordError, FingerprintError
from flashstream.memory_store.codec import LAG, changed, names, removed
from flashstream.memory_store.decoding import decode, old
from flashstream.memory_store.encoding import Held, encode, update
from flashstream.memory_store.record import pack, unpack


@pytest.mark.parametrize("count", [0, 1, 4, 50])
def test_state_to_bytes_to_state_is_near_and_always_the_same(kind: Kind, count: int) -> None:
    seen = kind.seen(count + 30)
    memory, restored, again = kind.watched(count), kind.empty(), kind.empty()
    records = encode(memory.view())
    assert records == encode(memory.state())
    state = decode(records)
    assert_alike(state, memory.view())
    restored.restore(state)
    again.restore(decode(records))
    for number, features in enumerate(seen[count:], count):
        deltas = [m.observe(features, 1.8e9 + number, b"late") for m in (restored, again)]
        assert deltas[0] == deltas[1]
    assert exactly(restored.view()) == exactly(again.view())
    ours, theirs = restored.snapshot(), again.snapshot()
    assert ours.uuid == theirs.uuid
    for name in ("features", "parts", "groups", "times", "positions"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name))


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        (KINDS[0], {"temporal_grid": 2, "spatial_grid": 2, "retrieved_grid": 2}),
        (KINDS[1], {"csm_grid": 4, "dam_grid": 4}),
    ],
)
def test_one_grid_for_all(kind: Kind, sizes: dict[str, Any]) -> None:
    """STAR then shares a remembered frame's features; Flash still has two resolutions."""
    seen = kind.seen(20)
    if kind.name == "flash":
        seen = [replace(step, low=step.full[::-1]) for step in seen]
    memory, restored = kind.empty(**sizes), kind.empty(**sizes)
    watch(memory, seen)
    restored.restore(decode(encode(memory.view())))
    assert_alike(restored.view(), memory.view())
    restored.snapshot()
    memory.snapshot()
    assert restored.nbytes() == memory.nbytes()


def test_a_newest_frame_that_is_remembered_anyway_is_stored_once() -> None:
    memory = KINDS[0].watched(40)
    spatial = unpack("spatial", encode(memory.view())["spatial"])
    kept = {c.frame for slot in memory.view().slots for c in slot.candidates}
    named = [frame for frame in spatial.fields["frames"] if frame is not None]
    assert named
    assert set(named) <= kept
    assert len(spatial.arrays) == 2 - len(named)


def test_names_are_one_for_each_part(kind: Kind) -> None:
    state = kind.watched(40).view()
    kept = {f"frame:{c.frame}" for s in state.slots for c in s.candidates}
    slots = {f"slot:{s.cluster.id}" for s in state.slots}
    rows = {f"abstract:{n}" for n in range(len(state.abstract))}
    assert names(state) == kind.always | kept | slots | rows
    centroids = encode(state).keys() - names(state)
    assert centroids <= {f"centroid:{s.cluster.id}" for s in state.slots}
    held = Held.of(encode(state))
    assert held.names == encode(state).keys()
    assert update(state, held, {"meta", "slot:999"}).records.keys() == {"meta"}


@pytest.mark.parametrize("every", [1, 7])
def test_updates_carry_one_state_to_the_next(kind: Kind, every: int) -> None:
    memory, held = kind.empty(), Held()
    records: dict[str, bytes] = {}
    waiting: set[str] = set()
    spared = 0
    for number, features in enumerate(kind.seen(120), 1):
        delta = memory.observe(features, float(number), b"jpeg")
        assert changed(delta) >= kind.always
        waiting = (waiting | changed(delta)) - removed(delta)
        if number % every:
            continue
        made = update(memory.view(), held, waiting)
        records.update(made.records)
        for name in held.names - made.held.names:
            del records[name]
        touched = sum(name.startswith("slot:") for name in waiting)
        spared += touched - sum(name.startswith("centroid:") for name in made.records)
        waiting, held = set(), made.held
        assert held == Held.of(records)
        assert_alike(decode(records), memory.view())
    assert spared > 120 / every / 4


def test_a_slot_of_its_frames_needs_no_centroid(kind: Kind) -> None:
    """One frame is its own mean; of two that are remembered, the centroid lies between."""
    memory = kind.watched(3)
    records = encode(memory.view())
    assert len(memory.view().slots) == 3
    assert not [name for name in records if name.startswith("centroid:")]
    for slot in decode(records).slots:
        point = slot.candidates[0].point.astype(np.float32)
        assert np.array_equal(slot.cluster.centroid, point)


@settings(max_examples=30)
@given(st.floats(0.001, 0.3), st.integers(0, 2**32 - 1))
def test_a_centroid_is_written_when_it_has_moved_away_and_not_before(
    step: float, seed: int
) -> None:
    """Small steps add up: what counts is how far the stored one is off, not the last step."""
    state = KINDS[1].watched(40).state()
    slot = max(state.slots, key=lambda each: each.cluster.weight)
    name, slot_record = f"centroid:{slot.cluster.id}", f"slot:{slot.cluster.id}"
    records = encode(state)
    held = Held.of(records)
    assert name in records
    dice = np.random.default_rng(seed)
    way = dice.normal(size=slot.cluster.centroid.shape).astype(np.float32)
    way *= np.linalg.norm(slot.cluster.centroid) / np.linalg.norm(way)
    for number in range(1, 20):
        centroid = slot.cluster.centroid + np.float32(number * step) * way
        moved = replace(slot, cluster=replace(slot.cluster, centroid=centroid))
        slots = tuple(moved if each is slot else each for each in state.slots)
        stored = unpack(name, records[name]).arrays["centroid"].reshape(-1)
        far = off(stored, centroid)
        made = update(replace(state, slots=slots), held, {slot_record})
        assert (name in made.records) == (far > LAG) or abs(far - LAG) < 1e-6
        records.update(made.records)
        held = made.held
        assert off(unpack(name, records[name]).arrays["centroid"].reshape(-1), centroid) <= LAG


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_records_of_format_2_are_read(kind: Kind) -> None:
    """Written by the code before format 3: 40 frames of the same scenes."""
    path = Path(__file__).with_name(f"format2-{kind.name}.msgpack")
    stored = msgpack.unpackb(path.read_bytes())
    assert old(stored["records"])
    state = decode(stored["records"])
    assert not old(encode(state))
    assert state.header.version == stored["version"] == 40
    assert_alike(state, kind.watched(40).view())
    assert all(slot.cluster.carry.any() for slot in state.slots if slot.cluster.weight > 2)


def test_formats_are_not_mixed(kind: Kind) -> None:
    path = Path(__file__).with_name(f"format2-{kind.name}.msgpack")
    stored = msgpack.unpackb(path.read_bytes())["records"]
    records = {**encode(decode(stored)), "meta": stored["meta"]}
    with pytest.raises(CorruptRecordError, match="it is of format 3, the header of 2"):
        decode(records)


def test_a_missing_record_is_named(kind: Kind) -> None:
    records = encode(kind.watched(20).view())
    for name in records:
        rest = {key: data for key, data in records.items() if key != name}
        with pytest.raises(CorruptRecordError, match=f'"{name}" is missing'):
            decode(rest)


def test_a_record_of_other_sizes_is_named(kind: Kind) -> None:
    memory = kind.watched(20)
    name = f"slot:{memory.snapshot().slots.ids[1]}"
    whole = encode(memory.view())
    slot = unpack(name, whole[name])
    for fields in ({"times": [1.0, 2.0]}, {"candidates": [], "centroid": False}):
        records = {**whole, name: pack(name, {**slot.fields, **fields}, {})}
        with pytest.raises(CorruptRecordError, match=f'"{name}" is corrupt'):
            decode(records)
    for other in [name for name in whole if name.startswith(("centroid:", "frame:"))]:
        kept = unpack(other, whole[other])
        for shape in ((5,), (2, 2, 5)):
            arrays = dict.fromkeys(kept.arrays, np.ones(shape, np.float32))
            records = {**whole, other: pack(other, kept.fields, arrays)}
            with pytest.raises(CorruptRecordError, match=f'"{other}" is corrupt'):
                decode(records)
    meta = unpack("meta", whole["meta"])
    for lacking in ("channels", "temporal_grid", "retrieved_grid"):
        sizes = {k: v for k, v in meta.fields["geometry"].items() if k != lacking}
        records = {**whole, "meta": pack("meta", {**meta.fields, "geometry": sizes}, {})}
        with pytest.raises(CorruptRecordError, match=f'"meta" is corrupt: .* lacks {lacking}'):
            decode(records)


def test_abstract_rows_of_other_sizes_are_named() -> None:
    records = encode(KINDS[0].watched(20).view())
    records["abstract:1"] = pack("abstract:1", {}, {"row": np.ones(5, np.float32)})
    with pytest.raises(CorruptRecordError, match=r'"abstract:1" is corrupt: .*\(5,\)'):
        decode(records)


def test_another_models_memory_is_refused(kind: Kind) -> None:
    state, memory = kind.watched(9, fingerprint="beef").state(), kind.empty()
    with pytest.raises(FingerprintError, match='written by model "beef", not by "f00d"'):
        memory.restore(state)
    assert memory.version == 0


@pytest.mark.parametrize(("ours", "theirs"), [KINDS, KINDS[::-1]])
def test_another_kind_of_memory_is_refused(ours: Kind, theirs: Kind) -> None:
    memory = ours.watched(7)
    before = exactly(memory.view())
    with pytest.raises(FingerprintError, match=f'of kind "{theirs.name}", not "{ours.name}"'):
        memory.restore(decode(encode(theirs.watched(9).view())))
    assert exactly(memory.view()) == before


@pytest.mark.parametrize(
    ("kind", "sizes", "message"),
    [
        (KINDS[0], {"temporal_slots": 6}, "temporal_slots 5, not 6"),
        (KINDS[0], {"spatial_grid": 2, "abstract_slots": 4}, "spatial_grid 4, not 2, abstract_"),
        (KINDS[0], {"channels": 7}, "channels 6, not 7"),
        (KINDS[1], {"csm_slots": 6}, "temporal_slots 5, not 6"),
        (KINDS[1], {"csm_grid": 4}, "temporal_grid 2, not 4"),
        (KINDS[1], {"dam_grid": 8}, "retrieved_grid 4, not 8"),
        (KINDS[1], {"channels": 7}, "channels 6, not 7"),
    ],
)
def test_other_sizes_are_refused(kind: Kind, sizes: dict[str, Any], message: str) -> None:
    state, memory = kind.watched(9).state(), kind.empty(**sizes)
    with pytest.raises(FingerprintError, match=message):
        memory.restore(state)
    assert memory.version == 0


def test_fewer_candidates_may_be_kept_than_were(kind: Kind) -> None:
    state = kind.watched(40).state()
    memory = kind.empty(candidates=1, temper=0.5, foresight=2.0, detail="novel")
    memory.restore(state)
    assert all(len(p) == 1 for p in memory.snapshot().slots.pictures)
    watch(memory, kind.seen(60)[40:], start=40)


def test_thumbnails_that_are_too_large_now_and_no_pictures_are_let_go(kind: Kind) -> None:
    """So that a memory keeps to its budget though the one that was stored had a larger one."""
    state = kind.watched(40).state()
    memory = kind.empty(thumbnail_bytes=6)  # "jpeg 7" fits, "jpeg 17" does not
    memory.restore(state)
    kept = [c for slot in memory.view().slots for c in slot.candidates]
    assert {len(c.thumbnail) for c in kept} <= {0, 6}
    assert len(kept) == sum(len(slot.candidates) for slot in state.slots)
    snapshot = memory.snapshot()
    shown = [p for pictures in snapshot.slots.pictures for p in pictures]
    assert len(shown) < len(kept)
    assert all(memory.picture(p) for p in shown)
    assert memory.nbytes() <= memory.budget()


def test_a_restored_memory_shares_nothing_that_changes(kind: Kind) -> None:
    memory, other = kind.watched(20), kind.empty()
    state = memory.state()
    before = exactly(state)
    other.restore(state)
    watch(other, kind.seen(60)[20:], start=20)
    watch(memory, kind.seen(60)[20:], start=20)
    assert exactly(state) == before
    assert exactly(other.view()) == exactly(memory.view())
