"""From a store to a file and back: streams with their memories, without evidence pictures (those
live for a day)."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO

from flashstream.errors import (
    ArchiveError,
    CorruptRecordError,
    StoreError,
    StreamExistsError,
    UnknownStreamError,
)
from flashstream.memory_store.archive import Entry, entries, opened, written
from flashstream.memory_store.inspection import known, whole
from flashstream.memory_store.store import Commit, Store, StoredMemory


def export(store: Store, path: Path, streams: Collection[str] = ()) -> list[str]:
    """Write those streams, or all, to a file, whole or not at all; returns their names.

    Each memory is of one commit. Raises UnknownStreamError, CorruptRecordError (what is damaged is
    not saved as if it were well), ArchiveError if the file cannot be written.
    """
    wanted = _chosen(streams, known(store), "the store")
    specs = store.streams()
    with written(path) as archive:
        for stream in wanted:
            memory = store.load(stream)
            if memory is None:
                archive.put(Entry(stream, specs.get(stream) or None, 0, None))
                continue
            try:
                whole(stream, memory)
            except CorruptRecordError as error:
                raise CorruptRecordError(
                    f'stream "{stream}" is not exported: {error.message}', **error.details
                ) from error
            archive.put(Entry(stream, specs.get(stream) or None, memory.version, memory.records))
    return wanted


def restore(
    store: Store, path: Path, streams: Collection[str] = (), *, replace: bool = False
) -> list[str]:
    """Put those streams of a file, or all, into a store; returns their names.

    All of them are checked before the first is written. Each memory is replaced whole or not at
    all, and whoever owned it is superseded. replace: also streams that the store has.
    Raises ArchiveError if the file is damaged, UnknownStreamError, StreamExistsError.
    """
    with opened(path) as file:
        found = [_checked(path, entry) for entry in entries(file)]
        wanted = _chosen(streams, found, str(path))
        present = sorted(set(wanted) & set(known(store)))
        if present and not replace:
            raise StreamExistsError(
                f"the store has {_list(present)} already; --replace overwrites", streams=present
            )
        _put(store, file, wanted)
    return wanted


def _put(store: Store, file: BinaryIO, wanted: Collection[str]) -> None:
    for entry in entries(file):
        if entry.stream not in wanted:
            continue
        if entry.records is None:
            store.delete(entry.stream)
        else:
            # An epoch that the store has not given out may write any version, older ones too;
            # with a deletion in its place a crash between the two would lose both memories.
            epoch = store.claim(entry.stream) + 1
            outcome = store.commit(entry.stream, epoch, entry.version, entry.records)
            if outcome not in (Commit.COMMITTED, Commit.DUPLICATE):
                raise StoreError(
                    f'stream "{entry.stream}" was claimed by another owner meanwhile; stop the '
                    "service that watches it, and import again"
                )
        if entry.spec is not None:
            store.put_stream(entry.stream, entry.spec)


def _checked(path: Path, entry: Entry) -> str:
    """The entry's stream; raises ArchiveError unless its memory can be read."""
    if entry.records is not None:
        try:
            whole(entry.stream, StoredMemory(0, entry.version, entry.records))
        except CorruptRecordError as error:
            raise ArchiveError(
                f'{path} has a damaged memory of stream "{entry.stream}": {error.message}'
            ) from error
    return entry.stream


def _chosen(wanted: Collection[str], there: list[str], where: str) -> list[str]:
    missing = sorted(set(wanted) - set(there))
    if missing:
        raise UnknownStreamError(
            f"{where} has no {_list(missing)}; it has {_list(there)}", streams=missing
        )
    return [stream for stream in there if stream in wanted] if wanted else there


def _list(streams: Iterable[str]) -> str:
    names = [f'"{stream}"' for stream in streams]
    more = f" and {len(names) - 10} others" if len(names) > 10 else ""
    return ("stream " if len(names) == 1 else "streams ") + ", ".join(names[:10]) + more
