"""Journals of both kinds of memory, what they see, and what is in them."""

from typing import Any

from support.memories import Kind

from flashstream.memory_store.codec import encode
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.store import MemoryStore

Journal = MemoryJournal[Any]


def opened(kind: Kind, store: MemoryStore, stream: str = "yard", **other: Any) -> Journal:
    """other: see `Kind.empty`."""

    def empty(epoch: int) -> StreamMemory[Any]:
        return kind.empty(stream=stream, epoch=epoch, **other)

    return MemoryJournal.open(stream, store, empty)


def watch(journal: Journal, frames: list[Any]) -> None:
    for features in frames:
        number = journal.memory.version + 1
        journal.observe(features, 1.7e9 + number, b"jpeg %d" % number)


def content(journal: Journal) -> dict[str, bytes]:
    """All records but the header, which names the epoch."""
    records = encode(journal.memory.view())
    del records["meta"]
    return records
