"""A file of exported memories.

    "FSMA" | format u16 | entries u32 | body bytes u64 | checksum 32 | body

All numbers are little-endian. The body is a msgpack map for each stream: its name, its spec in the
registry (nil: it is not in it), and its version and records (nil: it has no memory). The checksum
is blake2b over everything else, so a file that was altered or cut short is refused.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import msgpack

from flashstream.errors import ArchiveError
from flashstream.whole_file import whole_file

FORMAT = 1
_MAGIC = b"FSMA"
_HEAD = struct.Struct("<4sHIQ")
_SUM = 32
_BODY_AT = _HEAD.size + _SUM
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One stream. version: of the memory whose records these are; 0 and None without one."""

    stream: str
    spec: dict[str, Any] | None
    version: int
    records: dict[str, bytes] | None


class ArchiveWriter:
    """Puts entries into a file one after another; made by `written`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries = 0
        file.seek(_BODY_AT)

    def put(self, entry: Entry) -> None:
        fields = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
        self._file.write(msgpack.packb(fields))
        self._entries += 1

    def finish(self) -> None:
        """Write the head, which says that the file is whole."""
        head = _HEAD.pack(_MAGIC, FORMAT, self._entries, self._file.tell() - _BODY_AT)
        digest = _digest(head, self._file)
        self._file.seek(0)
        self._file.write(head + digest)


@contextmanager
def written(path: Path) -> Iterator[ArchiveWriter]:
    """A writer of the file, which is there once the block has ended well, for its owner to read:
    addresses of cameras may hold passwords. Raises ArchiveError if it cannot be written."""
    try:
        with whole_file(path, mode=0o600) as file:
            writer = ArchiveWriter(file)
            yield writer
            writer.finish()
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, found whole; see `entries`. Raises ArchiveError, naming it and what is wrong."""
    try:
        with path.open("rb") as file:
            _check(path, file)
            yield file
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror}") from error


def entries(file: BinaryIO) -> Iterator[Entry]:
    """All entries of an `opened` file, from the first; one at a time is held in memory."""
    file.seek(_BODY_AT)
    for fields in msgpack.Unpacker(file, max_buffer_size=0):
        try:
            yield Entry(**fields)
        except TypeError as error:
            raise ArchiveError(f"{file.name} has an entry that is none: {error}") from error


def _check(path: Path, file: BinaryIO) -> None:
    head, digest = file.read(_HEAD.size), file.read(_SUM)
    if not head.startswith(_MAGIC):
        raise ArchiveError(f"{path} does not begin as a file of exported memories does")
    if len(head) + len(digest) < _BODY_AT:
        raise ArchiveError(f"{path} is cut short within its head")
    _, form, _, size = _HEAD.unpack(head)
    if form != FORMAT:
        raise ArchiveError(f"{path} is of format {form}; format {FORMAT} is read here")
    there = path.stat().st_size - _BODY_AT
    if there != size:
        raise ArchiveError(
            f"{path} is not whole: it says that it has {size} bytes, and has {there}"
        )
    if _digest(head, file) != digest:
        raise ArchiveError(f"{path} is damaged: its checksum does not match")


def _digest(head: bytes, file: BinaryIO) -> bytes:
    digest = blake2b(head, digest_size=_SUM)
    file.seek(_BODY_AT)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.digest()
