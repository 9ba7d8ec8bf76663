"""What every memory store does. One conformance suite runs on each of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol

Durability = Literal["everysec", "strict"]
"""When a write is acknowledged: the server has it, or its disk has it (docs/durability.md)."""


class Commit(Enum):
    """What became of a commit; only COMMITTED changed anything."""

    COMMITTED = "committed"
    DUPLICATE = "duplicate"
    """This owner has committed that version (or a later one) already: a harmless repeat."""
    SUPERSEDED = "superseded"
    """Another owner has claimed the stream, or it was deleted: stop writing."""
    OUT_OF_STEP = "out_of_step"
    """The store is not at the version that the changes build on, e.g. because it lost its last
    second in a crash: write the whole memory."""


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """A stream's memory as the store has it; records are what `codec` wrote."""

    epoch: int
    version: int
    records: dict[str, bytes]


class MemoryStore(Protocol):
    """Memories and evidence pictures of streams. Thread-safe; all methods may raise StoreError."""

    def claim(self, stream: str) -> int:
        """Become the stream's owner: an epoch greater than any before. From now on commits of
        earlier epochs are answered SUPERSEDED."""
        ...

    def commit(
        self,
        stream: str,
        epoch: int,
        version: int,
        changes: Mapping[str, bytes],
        removed: Collection[str] = (),
        *,
        base: int | None = None,
    ) -> Commit:
        """Write records and remove others, all or nothing, as the owner of `epoch`.

        version: of the memory after the changes, greater than at this owner's last commit.
        base: the stored version that the changes build on (0 for none), or None if `changes` is
            the whole memory; then every other record is removed.
        Raises DurabilityError if the store took the commit but cannot say in time that it is kept
            as `store.durability` asks. It is not acknowledged then: its repeat waits again and is
            answered DUPLICATE.
        """
        ...

    def load(self, stream: str) -> StoredMemory | None:
        """The stream's memory, all of one commit; None if nothing was committed yet."""
        ...

    def remembered(self) -> list[str]:
        """All streams that have a memory, also those that are in no registry, sorted."""
        ...

    def delete(self, stream: str) -> None:
        """Forget the stream's memory, owner and pictures."""
        ...

    def put_picture(self, stream: str, picture: str, jpeg: bytes, ttl_s: int) -> None:
        """Keep an evidence picture for `ttl_s` seconds from now."""
        ...

    def picture(self, stream: str, picture: str) -> bytes | None:
        """The JPEG of that id, if it is still kept."""
        ...

    def ping(self) -> None:
        """Raise StoreError unless the store answers."""
        ...

    def close(self) -> None:
        """Let go of connections; the store is not used afterwards."""
        ...


class StreamRegistry(Protocol):
    """Which streams there should be, and how each is watched. Thread-safe."""

    def put_stream(self, stream: str, spec: Mapping[str, Any]) -> None:
        """Add or replace a stream; `spec` is of JSON's types."""
        ...

    def streams(self) -> dict[str, dict[str, Any]]:
        """All streams with their specs; a spec that cannot be read is an empty one, so that it
        keeps nobody from the others."""
        ...

    def remove_stream(self, stream: str) -> None:
        """Forget a stream; one that is not there is no error."""
        ...


class Store(MemoryStore, StreamRegistry, Protocol):
    """Both in one."""
