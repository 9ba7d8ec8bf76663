"""A memory and the store it is written to, kept in step."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Self

from flashstream.errors import CorruptRecordError, SupersededError
from flashstream.memory_store.codec import changed, frame_name, names, removed
from flashstream.memory_store.decoding import decode, old
from flashstream.memory_store.delta import MemoryDelta
from flashstream.memory_store.encoding import Held, update
from flashstream.memory_store.memory import Seen, StreamMemory
from flashstream.memory_store.store import Commit, MemoryStore


@dataclass(frozen=True, slots=True)
class Changes:
    """A commit made ready: of which version, and the records it writes and removes.

    held: what the store has once it has them. base: see `MemoryStore.commit`.
    """

    version: int
    as_of: float | None
    base: int | None
    records: dict[str, bytes]
    removed: frozenset[str]
    held: Held


class MemoryJournal(Generic[Seen]):
    """The owner's hold on one stream's memory.

    Frames are observed in memory; `commit` writes what changed since the last commit that
    succeeded, so watching goes on while the store is away and the next commit catches up. What
    waits is bounded: it is names of records that the memory has now. What has hardly moved is not
    written again (see `codec`); to know that, the journal keeps the stored bytes of centroids and
    abstract rows.

    `observe`, `prepare`, `write` and `commit` may be called from different threads; a slow store
    holds up commits only.
    """

    def __init__(self, memory: StreamMemory[Seen], store: MemoryStore, held: Held) -> None:
        """`memory`, as the store has it now, which is `held`; `open` makes both.

        `durable_version` and `durable_as_of` tell up to where the store has it.
        """
        self.memory = memory
        self.store = store
        self.durable_version = memory.version
        self.durable_as_of = memory.as_of
        self._held = held
        self._changed_at: dict[str, int] = {}  # name → version, of records that memory has now
        self._memory_lock = threading.Lock()
        self._write_lock = threading.Lock()

    @classmethod
    def open(
        cls, stream: str, store: MemoryStore, make: Callable[[int], StreamMemory[Seen]]
    ) -> Self:
        """Claim the stream and go on from its stored memory, or from an empty one.

        make: an empty memory of the stream, of the epoch given. A memory in an older format is
        written anew by the next commit.
        Raises StoreError if the store is away, CorruptRecordError if what it has is damaged,
        FingerprintError if that is of another model, kind or size.
        """
        memory = make(store.claim(stream))
        stored = store.load(stream)
        if stored is None:
            return cls(memory, store, Held())
        state = decode(stored.records)
        if state.header.version != stored.version or state.header.stream != stream:
            raise CorruptRecordError(
                f'stored record "meta" of stream "{stream}" is corrupt: it is of stream '
                f'"{state.header.stream}", version {state.header.version}, not {stored.version}',
                record="meta",
            )
        memory.restore(state)
        now = names(memory.view())
        if old(stored.records):
            journal = cls(memory, store, Held(frozenset(stored.records)))
            journal._changed_at = dict.fromkeys(now, memory.version)
            return journal
        journal = cls(memory, store, Held.of(stored.records))
        if {name for name in stored.records if name.startswith("frame:")} - now:
            # Fewer frames are kept of a slot than were stored: slots must not name the others.
            journal._changed_at = dict.fromkeys(now, memory.version)
        pictures = {kept.picture for slot in state.slots for kept in slot.candidates}
        for slot in memory.view().slots:
            for kept in slot.candidates:
                if kept.thumbnail and kept.picture not in pictures:  # it was made smaller
                    journal._changed_at[frame_name(kept.frame)] = memory.version
        return journal

    @property
    def pending(self) -> bool:
        """Frames were observed that the store does not have."""
        return self.memory.version > self.durable_version

    @property
    def waiting(self) -> int:
        """Parts that the next commit looks at; never more than the memory has."""
        return len(self._changed_at)

    def observe(self, features: Seen, time_s: float, thumbnail: bytes) -> MemoryDelta:
        """Take in a frame; see `StreamMemory.observe`."""
        with self._memory_lock:
            delta = self.memory.observe(features, time_s, thumbnail)
            self._changed_at.update(dict.fromkeys(changed(delta), delta.version))
            for name in removed(delta):
                self._changed_at.pop(name, None)
            return delta

    def commit(self) -> None:
        """Write what the store does not have; see `write`."""
        self.write(self.prepare())

    def prepare(self) -> Changes:
        """Encode what the store does not have. The memory may move on before it is written."""
        with self._memory_lock:
            return self._encode(self._held, set(self._changed_at), self.durable_version)

    def write(self, changes: Changes) -> None:
        """Send to the store what `prepare` made ready; nothing, if nothing was.

        Raises SupersededError if another owner has claimed the stream: this one must stop.
        Raises StoreError if the store is away; the next commit carries these changes too.
        """
        with self._write_lock:
            if changes.version <= self.durable_version:
                return
            outcome = self._send(changes)
            if outcome is Commit.OUT_OF_STEP:
                with self._memory_lock:
                    changes = self._encode(Held(), None, None)
                outcome = self._send(changes)
            if outcome is Commit.SUPERSEDED:
                raise SupersededError(
                    f'stream "{self.memory.stream}" was claimed by another owner or deleted; '
                    f"epoch {self.memory.epoch} writes no more",
                    stream=self.memory.stream,
                    epoch=self.memory.epoch,
                )
            with self._memory_lock:
                self.durable_version, self.durable_as_of = changes.version, changes.as_of
                self._held = changes.held
                self._changed_at = {
                    name: at for name, at in self._changed_at.items() if at > changes.version
                }

    def _encode(self, held: Held, only: set[str] | None, base: int | None) -> Changes:
        """held: what the store has of what may stay as it is."""
        made = update(self.memory.view(), held, only)
        return Changes(
            version=self.memory.version,
            as_of=self.memory.as_of,
            base=base,
            records=made.records,
            removed=self._held.names - made.held.names,
            held=made.held,
        )

    def _send(self, changes: Changes) -> Commit:
        memory = self.memory
        return self.store.commit(
            memory.stream,
            memory.epoch,
            changes.version,
            changes.records,
            changes.removed,
            base=changes.base,
        )
