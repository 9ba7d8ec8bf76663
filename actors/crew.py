"""What the supervisor needs of the machinery that runs watchers."""

from dataclasses import dataclass
from typing import Protocol

from flashstream.actors.spec import StreamSpec, StreamStatus


@dataclass(frozen=True, slots=True)
class Node:
    """A living node of the cluster that watchers can run on."""

    id: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Watcher:
    """What was found of one stream's watcher.

    status: None if it gave no answer this time.
    death: why it is dead; "" as far as is known it lives.
    """

    stream: str
    status: StreamStatus | None = None
    death: str = ""


class Crew(Protocol):
    """Runs watchers, at most one of a stream. Thread-safe.

    Every method raises `FlashstreamError` if the machinery itself does not answer.
    """

    def watchers(self) -> list[Watcher]:
        """All watchers there are, wanted or not; one that does not answer delays nobody."""
        ...

    def nodes(self) -> list[Node]:
        """Living nodes that have what a watcher needs."""
        ...

    def start(self, spec: StreamSpec, node: str | None, *, alone: bool) -> None:
        """Start a watcher, on that node if it can be; one that runs is left as it is.

        alone: in a process that watches nothing else, for it may take its process down.
        """
        ...

    def where(self, stream: str) -> str | None:
        """By what name its watcher can be called; None if there is none."""
        ...

    def move(self, spec: StreamSpec, node: str) -> None:
        """Watch the stream on that node from now on: a successor is made ready there first, then
        the watcher writes what it has and ends, and the successor goes on with it.

        Where that fails before the watcher ends, it watches on.
        """
        ...

    def tell(self, spec: StreamSpec) -> None:
        """Have the stream's watcher go on with this spec; an older one than it has is ignored."""
        ...

    def stop(self, stream: str, *, write: bool) -> None:
        """End the watcher, by force if it does not answer, and return when it is gone.

        write: let it write what it has first.
        """
        ...

    def close(self) -> None:
        """End all there is, as it is."""
        ...
