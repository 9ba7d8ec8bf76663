"""Records: to bytes and back, no altered byte gets through, and none asks for too much."""

import struct
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashstream.errors import CorruptRecordError
from flashstream.memory_store import record as record_module
from flashstream.memory_store.record import FORMAT, MOST_BYTES, OLD_FORMAT, pack, unpack


def forged(arrays: list[Any], body: bytes) -> bytes:
    """A record with a true checksum and that layout."""
    header: bytes = msgpack.packb({"fields": {}, "arrays": arrays})
    sizes = (b"FSMR", FORMAT, len(header), len(body))
    checksum: bytes = record_module._checksum("x", sizes, header, body)
    return struct.pack("<4sHIQ8s", *sizes, checksum) + header + body


def test_every_flipped_byte_is_refused_by_name() -> None:
    arrays: dict[str, Any] = {
        "a": np.arange(3, dtype=np.float32),
        "b": np.arange(4, dtype=np.float16),
    }
    data = pack("slot:7", {"weight": 3}, arrays, {"a": 0.01})
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


def test_a_newer_format_is_refused() -> None:
    data = bytearray(pack("meta", {}, {}))
    data[4:6] = (FORMAT + 1).to_bytes(2, "little")
    with pytest.raises(
        CorruptRecordError,
        match=f'"meta" .* of format {FORMAT + 1}; formats {OLD_FORMAT} and {FORMAT} are',
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


def test_arrays_may_be_off_by_what_is_allowed_and_no_more() -> None:
    dice = np.random.default_rng(1)
    near = np.maximum(dice.normal(size=(4, 4, 64)), 0).astype(np.float16)
    exact = dice.normal(size=(5, 3)).astype(np.float32)
    data = pack("x", {}, {"near": near, "exact": exact}, {"near": 0.01})
    arrays = unpack("x", data).arrays
    assert np.array_equal(arrays["exact"], exact)
    assert arrays["near"].dtype == np.float16
    error = np.linalg.norm(arrays["near"].astype(float) - near.astype(float))
    assert 0 < error <= 0.01 * np.linalg.norm(near.astype(float))
    assert len(data) < near.nbytes / 2
    assert not arrays["near"].flags.writeable


def test_an_array_with_nan_is_refused_by_name() -> None:
    array = np.array([1, np.nan], np.float32)
    with pytest.raises(ValueError, match='array "a" of record "x": it has NaN or infinity'):
        pack("x", {}, {"a": array}, {"a": 0.01})


@pytest.mark.parametrize(
    ("layout", "why"),
    [
        (["a", "<f2", [MOST_BYTES], None], f"claim {2 * MOST_BYTES} bytes; at most {MOST_BYTES}"),
        (["a", "<f2", [2**40, 2**40], ["|u1", 1.0, 2, 2]], "bytes; at most"),
        (["a", "<f2", [-1], ["|u1", 1.0, 2, 2]], "of shape"),
        (["a", "<f8", [1], None], "of type <f8"),
        (["a", "<i2", [1], ["|u1", 1.0, 2, 2]], "of type <i2, and in levels"),
        (["a", "<f2", [1], ["|u1", 1.0, 2, 200]], "more bytes than its body"),
        (["a", "<f2", [1], ["|u1", 1.0, -2, 6]], "more bytes than its body"),
        (["a", "<f2", [1], ["|u1", float("inf"), 2, 2]], "a scale of inf"),
        (["a", "<f2", [1], ["|u1", 0.0, 2, 2]], "a scale of 0"),
        (["a", "<f2", [1], ["<f4", 1.0, 2, 2]], "its levels are <f4"),
        (["a", "<f2", [1], ["|u1", 1.0, 2, 2]], "inflate"),
        (["a", "<f2", [1], None], "arrays have 2 bytes, its body 4"),
        (["a", "<f2", "ab", None], "of shape"),
        (["a", "<f2"], "header cannot be read"),
    ],
)
def test_what_cannot_be_an_array_is_refused_by_name(layout: list[Any], why: str) -> None:
    with pytest.raises(CorruptRecordError, match='"x" is corrupt') as caught:
        unpack("x", forged([layout], bytes(4)))
    assert why in caught.value.message
