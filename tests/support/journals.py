"""Journals of both kinds of memory, what they see, and what is in them."""

from typing import Any

from support.likeness import assert_alike, exactly
from support.memories import Kind

from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.store import MemoryStore

Journal = MemoryJournal[Any]


def opened(
    kind: Kind,
    store: MemoryStore,
    stream: str = "yard",
    **other: Any,
) -> Journal:
    """other: see `Kind.empty`."""

    def empty(epoch: int) -> StreamMemory[Any]:
        return kind.empty(stream=stream, epoch=epoch, **other)

    return MemoryJournal.open(stream, store, empty)


def watch(journal: Journal, frames: list[Any]) -> None:
    for features in frames:
        number = journal.memory.version + 1
        journal.observe(features, 1.7e9 + number, b"jpeg %d" % number)


def content(journal: Journal) -> dict[str, Any]:
    """All of the memory, to the bit, but the header, which names the epoch."""
    parts = exactly(journal.memory.view())
    del parts["meta"]
    return parts


def assert_stored(journal: Journal, reopened: Journal) -> None:
    """`reopened` went on from what `journal` has stored of its memory as it is now."""
    assert_alike(reopened.memory.view(), journal.memory.view())
