"""One stored record: named fields and arrays as checked bytes, without pickle.

    "FSMR" | format u16 | header bytes u32 | body bytes u64 | checksum 8 | header | body

All numbers are little-endian. The header is msgpack: the fields, and the name, dtype, shape and
coding of each array; the body is the arrays' bytes one after another. An array is kept as it is
(no coding), or as `levels` (their type, scale, and bytes of mask and values). The checksum is
blake2b over the record's name and everything else, so a record that was altered, cut short or put
under another name is refused. Format 2, which is still read, has no codings.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import msgpack
import numpy as np
from numpy.typing import NDArray

from flashstream.errors import CorruptRecordError
from flashstream.memory_store.levels import Levels, quantised, restored

FORMAT: Final = 3
OLD_FORMAT: Final = 2
MOST_BYTES: Final = 2**28
"""Of a record's arrays together; one that claims more is not unpacked."""

_MAGIC = b"FSMR"
_PREFIX = struct.Struct("<4sHIQ8s")
_DTYPES = frozenset({"<f2", "<f4", "<i2", "|u1"})
_FLOATS = frozenset({"<f2", "<f4"})


@dataclass(frozen=True, slots=True)
class Record:
    """fields: what msgpack holds (numbers, texts, lists, maps); arrays: read-only, by name."""

    fields: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    format: int = FORMAT


def pack(
    name: str,
    fields: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    errors: Mapping[str, float] | None = None,
) -> bytes:
    """The record's bytes; equal contents give equal bytes.

    errors: for arrays of floats, how far they may be off, as a share of their norm (see
    `quantised`). All others come back as they are.
    """
    layout, body = [], b""
    for key, array in arrays.items():
        little = np.ascontiguousarray(_little(array)).reshape(array.shape)
        levels = None
        if errors is not None and key in errors:
            try:
                levels = quantised(little, errors[key])
            except ValueError as error:
                raise ValueError(f'array "{key}" of record "{name}": {error}') from error
        if levels is None:
            coding, data = None, little.tobytes()
        else:
            coding = [levels.kind, levels.scale, len(levels.mask), len(levels.values)]
            data = levels.mask + levels.values
        layout.append([key, little.dtype.str, list(array.shape), coding])
        body += data
    header: bytes = msgpack.packb({"fields": dict(fields), "arrays": layout})
    sizes = (_MAGIC, FORMAT, len(header), len(body))
    return _PREFIX.pack(*sizes, _checksum(name, sizes, header, body)) + header + body


def unpack(name: str, data: bytes) -> Record:
    """The record that `pack` made; raises CorruptRecordError, naming it, if it is not whole."""
    if len(data) < _PREFIX.size:
        raise _corrupt(name, f"it has {len(data)} bytes, fewer than a record's prefix")
    magic, form, header_size, body_size, checksum = _PREFIX.unpack_from(data)
    if magic != _MAGIC:
        raise _corrupt(name, "it does not begin as a memory record does")
    if form not in (OLD_FORMAT, FORMAT):
        raise _corrupt(
            name, f"it is of format {form}; formats {OLD_FORMAT} and {FORMAT} are read here"
        )
    if len(data) != _PREFIX.size + header_size + body_size:
        raise _corrupt(name, f"it has {len(data)} bytes, not the number it says")
    header = data[_PREFIX.size : _PREFIX.size + header_size]
    body = data[_PREFIX.size + header_size :]
    if checksum != _checksum(name, (magic, form, header_size, body_size), header, body):
        raise _corrupt(name, "its checksum does not match")
    try:
        content = msgpack.unpackb(header)
        layout = content["arrays"]
        if form == OLD_FORMAT:
            layout = [[*entry, None] for entry in layout]
        return Record(content["fields"], _arrays(layout, body), form)
    except (ValueError, KeyError, TypeError, msgpack.UnpackException) as error:
        raise _corrupt(name, f"its header cannot be read ({error})") from error


_Entry = tuple[str, str, list[int], list[Any] | None]


def _arrays(layout: list[_Entry], body: bytes) -> dict[str, NDArray[Any]]:
    claimed = sum(_claimed(entry) for entry in layout)
    if claimed > MOST_BYTES:
        raise ValueError(f"its arrays claim {claimed} bytes; at most {MOST_BYTES} are unpacked")
    arrays: dict[str, NDArray[Any]] = {}
    offset = 0

    def take(size: int) -> bytes:
        nonlocal offset
        if not 0 <= size <= len(body) - offset:
            raise ValueError(f"its arrays have more bytes than its body, {len(body)}")
        offset += size
        return body[offset - size : offset]

    for key, dtype, shape, coding in layout:
        if coding is None:
            # Copied, so that the array is aligned and does not keep the whole record alive.
            data = take(math.prod(shape) * np.dtype(dtype).itemsize)
            array: NDArray[Any] = np.frombuffer(data, dtype).reshape(shape).copy()
        else:
            if dtype not in _FLOATS:
                raise ValueError(f"array {key} is of type {dtype}, and in levels")
            kind, scale, mask, values = coding
            array = restored(Levels(kind, scale, take(mask), take(values)), dtype, tuple(shape))
        array.flags.writeable = False
        arrays[key] = array
    if offset != len(body):
        raise ValueError(f"its arrays have {offset} bytes, its body {len(body)}")
    return arrays


def _claimed(entry: _Entry) -> int:
    """Bytes of an array, once unpacked."""
    key, dtype, shape, _ = entry
    if dtype not in _DTYPES:
        raise ValueError(f"array {key} is of type {dtype}")
    if any(not isinstance(length, int) or length < 0 for length in shape):
        raise ValueError(f"array {key} is of shape {shape}")
    return math.prod(shape) * np.dtype(dtype).itemsize


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
