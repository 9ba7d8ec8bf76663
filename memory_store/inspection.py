"""What a store has, and whether it is whole."""

from collections.abc import Iterator
from dataclasses import dataclass

from flashstream.errors import CorruptRecordError
from flashstream.memory_store.decoding import decode
from flashstream.memory_store.record import unpack
from flashstream.memory_store.state import StateHeader
from flashstream.memory_store.store import Store, StoredMemory


@dataclass(frozen=True, slots=True)
class Damage:
    """A record that cannot be read. why: a sentence that names it."""

    stream: str
    record: str
    why: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """A stream as the store has it.

    registered: it is watched when the service runs. version, epoch: 0 without a memory.
    nbytes: of all records. as_of: Unix time of the newest frame. as_of and fingerprint are None
    without a memory, and if it is damaged.
    """

    stream: str
    registered: bool
    version: int
    epoch: int
    records: int
    nbytes: int
    as_of: float | None
    fingerprint: str | None
    damaged: bool


def known(store: Store) -> list[str]:
    """All streams that are registered or have a memory, sorted."""
    return sorted({*store.streams(), *store.remembered()})


def inspect(store: Store) -> Iterator[Inspected]:
    """Each stream of the store."""
    registered = store.streams()
    for stream in sorted({*registered, *store.remembered()}):
        memory, header, damaged = None, None, False
        try:
            memory = store.load(stream)
            header = None if memory is None else whole(stream, memory)
        except CorruptRecordError:
            damaged = True
        sizes = [len(data) for data in memory.records.values()] if memory is not None else []
        yield Inspected(
            stream=stream,
            registered=stream in registered,
            version=memory.version if memory is not None else 0,
            epoch=memory.epoch if memory is not None else 0,
            records=len(sizes),
            nbytes=sum(sizes),
            as_of=header.as_of if header is not None else None,
            fingerprint=header.fingerprint if header is not None else None,
            damaged=damaged,
        )


def damage(store: Store, stream: str) -> list[Damage]:
    """Every record of a stream's memory that cannot be read; if each can for itself, the one by
    which they are no memory together."""
    try:
        memory = store.load(stream)
        if memory is None:
            return []
        found = [
            Damage(stream, name, why)
            for name, data in sorted(memory.records.items())
            if (why := _unreadable(name, data)) is not None
        ]
        if not found:
            whole(stream, memory)
    except CorruptRecordError as error:
        return [Damage(stream, str(error.details.get("record", "meta")), error.message)]
    return found


def whole(stream: str, memory: StoredMemory) -> StateHeader:
    """The header of a memory of that stream; raises CorruptRecordError, naming the first record
    that is wrong, unless all of it can be read."""
    header = decode(memory.records).header
    if (header.stream, header.version) != (stream, memory.version):
        raise CorruptRecordError(
            f'stored record "meta" is of stream "{header.stream}", version {header.version}, not '
            f'of "{stream}", version {memory.version}',
            record="meta",
        )
    return header


def _unreadable(name: str, data: bytes) -> str | None:
    try:
        unpack(name, data)
    except CorruptRecordError as error:
        return error.message
    return None
