"""Records: to bytes and back without losing a bit, and no altered byte gets through."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flashstream.errors import CorruptRecordError, FingerprintError
from flashstream.memory_store.codec import changed, decode, encode, names, removed
from flashstream.memory_store.record import FORMAT, pack, unpack
from flashstream.memory_store.star import StarConfig, StarMemory

Features = NDArray[np.float16]
Make = Callable[[int], list[Features]]
New = Callable[[], StarMemory]


def watched(memory: StarMemory, frames: list[Features]) -> StarMemory:
    for number, features in enumerate(frames, 1):
        memory.observe(features, 1.7e9 + number / 3, b"jpeg %d" % number)
    return memory


@pytest.mark.parametrize("count", [0, 1, 4, 50])
def test_state_to_bytes_to_state_has_the_same_future(
    new_memory: New, frames: Make, count: int
) -> None:
    seen = frames(count + 30)
    through = watched(new_memory(), seen[:count])
    records = encode(through.view())
    restored = new_memory()
    restored.restore(decode(records))
    assert encode(restored.view()) == records
    for features in seen[count:]:
        for memory in (through, restored):
            memory.observe(features, 1.8e9, b"late")
    assert encode(restored.view()) == encode(through.view())
    assert restored.snapshot().uuid == through.snapshot().uuid


def test_one_grid_for_all_shares_the_features(frames: Make) -> None:
    config = StarConfig(temporal_grid=2, spatial_grid=2, retrieved_grid=2, temporal_slots=3)
    memory = watched(StarMemory(config, 4, 6, stream="yard"), frames(20))
    restored = StarMemory(config, 4, 6, stream="yard")
    restored.restore(decode(encode(memory.view())))
    assert encode(restored.view()) == encode(memory.view())
    assert restored.nbytes() == memory.nbytes()


def test_names_are_one_for_each_part(new_memory: New, frames: Make) -> None:
    memory = watched(new_memory(), frames(40))
    state = memory.view()
    kept = {f"frame:{c.frame}" for s in state.slots for c in s.candidates}
    slots = {f"slot:{s.cluster.id}" for s in state.slots}
    assert names(state) == {"meta", "abstract", "spatial"} | kept | slots
    assert encode(state).keys() == names(state)
    assert encode(state, {"meta", "slot:999"}).keys() == {"meta"}


def test_deltas_carry_one_state_to_the_next(new_memory: New, frames: Make) -> None:
    memory = new_memory()
    records: dict[str, bytes] = {}
    for number, features in enumerate(frames(60), 1):
        delta = memory.observe(features, float(number), b"jpeg")
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
    st.lists(st.sampled_from(["<f2", "<f4", "<f8", "|u1"]), max_size=4),
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


def test_a_missing_record_is_named(new_memory: New, frames: Make) -> None:
    records = encode(watched(new_memory(), frames(20)).view())
    for name in records:
        rest = {key: data for key, data in records.items() if key != name}
        with pytest.raises(CorruptRecordError, match=f'"{name}" is missing'):
            decode(rest)


def test_a_record_of_other_sizes_is_named(new_memory: New, frames: Make) -> None:
    records = encode(watched(new_memory(), frames(20)).view())
    records["abstract"] = pack("abstract", {}, {"rows": np.ones((3, 5), np.float32)})
    with pytest.raises(CorruptRecordError, match=r'"abstract" is corrupt: .*\(3, 5\)'):
        decode(records)
    records["abstract"] = pack("abstract", {}, {})
    with pytest.raises(CorruptRecordError, match='"abstract"'):
        decode(records)


def test_another_models_memory_is_refused(new_memory: New, frames: Make) -> None:
    state = watched(new_memory(), frames(9)).state()
    other = replace(state, header=replace(state.header, fingerprint="beef"))
    memory = new_memory()
    with pytest.raises(FingerprintError, match='written by model "beef", not by "f00d"'):
        memory.restore(other)
    assert memory.version == 0


def test_other_sizes_are_refused(new_memory: New, frames: Make, small: StarConfig) -> None:
    state = watched(new_memory(), frames(9)).state()
    config = small.model_copy(update={"temporal_slots": 6})
    memory = StarMemory(config, 4, 6, stream="yard", fingerprint="f00d")
    with pytest.raises(FingerprintError, match="temporal_slots 5, not 6"):
        memory.restore(state)


def test_fewer_candidates_may_be_kept_than_were(
    new_memory: New, frames: Make, small: StarConfig
) -> None:
    state = watched(new_memory(), frames(40)).state()
    config = small.model_copy(update={"candidates": 1, "abstract_rate": 0.1})
    memory = StarMemory(config, 4, 6, stream="yard", fingerprint="f00d")
    memory.restore(state)
    assert all(len(p) == 1 for p in memory.snapshot().slots.pictures)
