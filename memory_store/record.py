"""One stored record: named fields and arrays as checked bytes, without pickle.

    "FSMR" | format u16 | header bytes u32 | body bytes u64 | checksum 8 | header | body

All numbers are little-endian. The header is msgpack: the fields, and the name, dtype and shape of
each array; the body is the arrays' bytes one after another. The checksum is blake2b over the
record's name and everything else, so a record that was altered, cut short or put under another
name is refused.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from flashstream.errors import CorruptRecordError

FORMAT = 2
_MAGIC = b"FSMR"
_PREFIX = struct.Struct("<4sHIQ8s")
_DTYPES = frozenset({"<f2", "<f4", "<i2", "|u1"})


@dataclass(frozen=True, slots=True)
class Record:
    """fields: what msgpack holds (numbers, texts, lists, maps); arrays: read-only, by name."""

    fields: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def pack(name: str, fields: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The record's bytes; equal contents give equal bytes."""
    parts = {key: np.ascontiguousarray(_little(array)) for key, array in arrays.items()}
    layout = [[key, array.dtype.str, list(array.shape)] for key, array in parts.items()]
    header: bytes = msgpack.packb({"fields": dict(fields), "arrays": layout})
    body = b"".join(array.tobytes() for array in parts.values())
    sizes = (_MAGIC, FORMAT, len(header), len(body))
    return _PREFIX.pack(*sizes, _checksum(name, sizes, header, body)) + header + body


def unpack(name: str, data: bytes) -> Record:
    """The record that `pack` made; raises CorruptRecordError, naming it, if it is not whole."""
    if len(data) < _PREFIX.size:
        raise _corrupt(name, f"it has {len(data)} bytes, fewer than a record's prefix")
    magic, form, header_size, body_size, checksum = _PREFIX.unpack_from(data)
    if magic != _MAGIC:
        raise _corrupt(name, "it does not begin as a memory record does")
    if form != FORMAT:
        raise _corrupt(name, f"it is of format {form}; format {FORMAT} is read here")
    if len(data) != _PREFIX.size + header_size + body_size:
        raise _corrupt(name, f"it has {len(data)} bytes, not the number it says")
    header = data[_PREFIX.size : _PREFIX.size + header_size]
    body = data[_PREFIX.size + header_size :]
    if checksum != _checksum(name, (magic, form, header_size, body_size), header, body):
        raise _corrupt(name, "its checksum does not match")
    try:
        content = msgpack.unpackb(header)
        return Record(content["fields"], _arrays(content["arrays"], body))
    except (ValueError, KeyError, TypeError, msgpack.UnpackException) as error:
        raise _corrupt(name, f"its header cannot be read ({error})") from error


def _arrays(layout: list[tuple[str, str, list[int]]], body: bytes) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    offset = 0
    for key, dtype, shape in layout:
        if dtype not in _DTYPES:
            raise ValueError(f"array {key} is of type {dtype}")
        count = math.prod(shape)
        # Copied, so that the array is aligned and does not keep the whole record alive.
        array = np.frombuffer(body, dtype, count, offset).reshape(shape).copy()
        array.flags.writeable = False
        arrays[key] = array
        offset += array.nbytes
    if offset != len(body):
        raise ValueError(f"its arrays have {offset} bytes, its body {len(body)}")
    return arrays


def _little(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _checksum(name: str, sizes: tuple[bytes, int, int, int], header: bytes, body: bytes) -> bytes:
    digest = blake2b(name.encode(), digest_size=8)
    digest.update(repr(sizes).encode())
    digest.update(header)
    digest.update(body)
    return digest.digest()


def _corrupt(name: str, why: str) -> CorruptRecordError:
    return CorruptRecordError(f'stored record "{name}" is corrupt: {why}', record=name)
