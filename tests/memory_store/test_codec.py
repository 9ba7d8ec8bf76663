"""Records: to bytes and back without losing a bit, and no altered byte gets through."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.memories import KINDS, Kind, watch

from flashstream.errors import CorruptRecordError, FingerprintError
from flashstream.memory_store.codec import changed, decode, encode, names, removed
from flashstream.memory_store.record import FORMAT, pack, unpack


@pytest.mark.parametrize("count", [0, 1, 4, 50])
def test_state_to_bytes_to_state_has_the_same_future(kind: Kind, count: int) -> None:
    seen = kind.seen(count + 30)
    through, restored = kind.watched(count), kind.empty()
    records = encode(through.view())
    restored.restore(decode(records))
    assert encode(restored.view()) == records
    if count:
        assert restored.snapshot().uuid == through.snapshot().uuid
    for number, features in enumerate(seen[count:], count):
        deltas = [m.observe(features, 1.8e9 + number, b"late") for m in (through, restored)]
        assert deltas[0] == deltas[1]
    assert encode(restored.view()) == encode(through.view())
    ours, theirs = through.snapshot(), restored.snapshot()
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
    assert encode(restored.view()) == encode(memory.view())
    restored.snapshot()
    memory.snapshot()
    assert restored.nbytes() == memory.nbytes()


def test_names_are_one_for_each_part(kind: Kind) -> None:
    state = kind.watched(40).view()
    kept = {f"frame:{c.frame}" for s in state.slots for c in s.candidates}
    slots = {f"slot:{s.cluster.id}" for s in state.slots}
    assert names(state) == kind.always | kept | slots
    assert encode(state).keys() == names(state)
    assert encode(state, {"meta", "slot:999"}).keys() == {"meta"}


def test_deltas_carry_one_state_to_the_next(kind: Kind) -> None:
    memory = kind.empty()
    records: dict[str, bytes] = {}
    for number, features in enumerate(kind.seen(60), 1):
        delta = memory.observe(features, float(number), b"jpeg")
        assert changed(delta) >= kind.always
        records.update(encode(memory.view(), changed(delta)))
        for name in removed(delta):
            records.pop(name, None)
        assert records == encode(memory.view())


def test_every_flipped_byte_is_refused_by_name() -> None:
    data = pack("slot:7", {"weight": 3}, {"centroid": np.arange(3, dtype=np.float32)})
    for place in range(len(data)):
        broken = bytearray(data)
        broken[place] ^= 0x10
        with pytest.raises(CorruptRecordError, match='"slot:7"') as caught:
            unpack("slot:7", bytes(broken))
        assert caught.value.details == {"record": "slot:7"}


def test_every_truncation_is_refused_by_name() -> None:
    data = pack("abstract", {}, {"rows": np.ones((2, 2), np.float32)})
    for length in range(len(data)):
        with pytest.raises(CorruptRecordError, match='"abstract"'):
            unpack("abstract", data[:length])
    with pytest.raises(CorruptRecordError, match='"abstract"'):
        unpack("abstract", data + b"\0")


def test_a_record_under_another_name_is_refused() -> None:
    with pytest.raises(CorruptRecordError, match='"slot:2" is corrupt: its checksum'):
        unpack("slot:2", pack("slot:1", {}, {}))


def test_another_format_is_refused() -> None:
    data = bytearray(pack("meta", {}, {}))
    data[4:6] = (FORMAT + 1).to_bytes(2, "little")
    with pytest.raises(
        CorruptRecordError, match=f'"meta" .* of format {FORMAT + 1}; format {FORMAT} is'
    ):
        unpack("meta", bytes(data))


def test_bytes_that_are_no_record_are_refused() -> None:
    with pytest.raises(CorruptRecordError, match="does not begin as a memory record"):
        unpack("meta", b"\x80\x04\x95" + bytes(100))


@given(
    st.dictionaries(
        st.text(max_size=5), st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(), st.text())
    ),
    st.lists(st.sampled_from(["<f2", "<f4", "<i2", "|u1"]), max_size=4),
    st.integers(0, 5),
)
def test_contents_come_back(fields: dict[str, object], dtypes: list[str], rows: int) -> None:
    arrays = {str(i): np.full((rows, i + 1), i, dtype=t) for i, t in enumerate(dtypes)}
    data = pack("x", fields, arrays)
    record = unpack("x", data)
    assert pack("x", record.fields, record.arrays) == data
    for key, array in arrays.items():
        assert record.arrays[key].dtype == array.dtype
        assert np.array_equal(record.arrays[key], array)
        assert not record.arrays[key].flags.writeable


def test_big_endian_arrays_are_stored_little() -> None:
    array = np.arange(3, dtype=">f4")
    assert pack("x", {}, {"a": array}) == pack("x", {}, {"a": array.astype("<f4")})


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
    for arrays in ({**slot.arrays, "carry": np.zeros(5, np.int16)}, {}):
        records = {**whole, name: pack(name, slot.fields, arrays)}
        with pytest.raises(CorruptRecordError, match=f'"{name}" is corrupt'):
            decode(records)
    meta = unpack("meta", whole["meta"])
    for lacking in ("channels", "temporal_grid", "retrieved_grid"):
        sizes = {k: v for k, v in meta.fields["geometry"].items() if k != lacking}
        records = {**whole, "meta": pack("meta", {**meta.fields, "geometry": sizes}, {})}
        with pytest.raises(CorruptRecordError, match=f'"meta" is corrupt: .* lacks {lacking}'):
            decode(records)


def test_abstract_rows_of_other_sizes_are_named() -> None:
    records = encode(KINDS[0].watched(20).view())
    records["abstract"] = pack("abstract", {}, {"rows": np.ones((3, 5), np.float32)})
    with pytest.raises(CorruptRecordError, match=r'"abstract" is corrupt: .*\(3, 5\)'):
        decode(records)


def test_another_models_memory_is_refused(kind: Kind) -> None:
    state, memory = kind.watched(9, fingerprint="beef").state(), kind.empty()
    with pytest.raises(FingerprintError, match='written by model "beef", not by "f00d"'):
        memory.restore(state)
    assert memory.version == 0


@pytest.mark.parametrize(("ours", "theirs"), [KINDS, KINDS[::-1]])
def test_another_kind_of_memory_is_refused(ours: Kind, theirs: Kind) -> None:
    memory = ours.watched(7)
    before = encode(memory.view())
    with pytest.raises(FingerprintError, match=f'of kind "{theirs.name}", not "{ours.name}"'):
        memory.restore(decode(encode(theirs.watched(9).view())))
    assert encode(memory.view()) == before


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


def test_thumbnails_that_are_too_large_now_are_let_go(kind: Kind) -> None:
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
    before = encode(state)
    other.restore(state)
    watch(other, kind.seen(60)[20:], start=20)
    watch(memory, kind.seen(60)[20:], start=20)
    assert encode(state) == before
    assert encode(other.view()) == encode(memory.view())
