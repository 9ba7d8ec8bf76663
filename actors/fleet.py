"""Which streams there should be: adds, changes and removes them, and drains nodes."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from flashstream.actors.crew import Crew, Node
from flashstream.actors.placement import check_room, named
from flashstream.actors.registry import Registry
from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.actors.supervisor import Supervisor
from flashstream.errors import (
    FlashstreamError,
    OverloadedError,
    StreamExistsError,
    UnknownStreamError,
)


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node, what is watched on it, and since when (Unix seconds) it is drained, if it is."""

    node: Node
    streams: int
    memory_bytes: int
    drained_s: float | None


class Fleet:
    """What is asked for is written to the registry and made true by the supervisor, so that a
    death at any moment leaves nothing half done: the next supervisor goes on. Thread-safe.

    memory_limit_mb: of all memories on one node; 0 for none. wake: has the supervisor look now.
    """

    def __init__(
        self,
        registry: Registry,
        supervisor: Supervisor,
        crew: Crew,
        *,
        limit: int,
        memory_limit_mb: int,
        wake: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._supervisor = supervisor
        self._crew = crew
        self._limit = limit
        self._memory_limit_mb = memory_limit_mb
        self._wake = wake
        self._changing = threading.Lock()
        self._log = structlog.get_logger()

    def statuses(self) -> list[StreamStatus]:
        """All streams as they were a moment ago, by id."""
        return self._supervisor.statuses(self._registry.wanted)

    def status(self, stream: str) -> StreamStatus:
        """One stream as it was a moment ago; `UnknownStreamError` if there is none of that id."""
        return self._supervisor.status(self._spec(stream))

    def where(self, stream: str) -> str | None:
        """By what name the stream's watcher can be called now, None if there is none;
        `UnknownStreamError`."""
        return self._crew.where(self._spec(stream).id)

    def _spec(self, stream: str) -> StreamSpec:
        spec = self._registry.wanted.specs.get(stream)
        if spec is None or spec.removed:
            raise UnknownStreamError(
                f"there is no stream '{stream}'; GET /v1/streams lists those there are",
                stream=stream,
            )
        return spec

    def add(self, spec: StreamSpec) -> StreamStatus:
        """Register a stream; it is started within a second."""
        with self._changing:
            self._registry.refresh()
            wanted = self._registry.wanted
            if spec.id in wanted.specs or spec.id in wanted.corrupt:
                raise StreamExistsError(
                    f"there is a stream '{spec.id}' already; choose another id or delete that one",
                    stream=spec.id,
                )
            present = len(wanted.specs) + len(wanted.corrupt)
            if present >= self._limit:
                raise OverloadedError(
                    f"{present} streams run here and the limit is {self._limit}; "
                    "delete one or raise streams.limit",
                    setting="streams.limit",
                    limit=self._limit,
                )
            self._check_room()
            self._registry.put(spec)
        self._wake()
        return self._supervisor.status(spec)

    def _check_room(self) -> None:
        if self._memory_limit_mb:
            drained = self._registry.wanted.drained
            sizes: dict[str, list[int]] = {
                node.id: [] for node in self._supervisor.nodes() if node.id not in drained
            }
            for status in self.statuses():
                if status.node in sizes:
                    sizes[status.node].append(status.memory_bytes)
            check_room(sizes, self._memory_limit_mb)

    def change(self, stream: str, changes: dict[str, Any]) -> StreamStatus:
        """Give some fields of the stream's spec other values; its memory stays."""
        with self._changing:
            self._registry.refresh()
            spec = self._spec(stream)
            changed = replace(spec, **changes)
            if changed == spec:
                return self._supervisor.status(spec)
            changed = replace(changed, generation=spec.generation + 1)
            self._registry.put(changed)
        try:
            self._crew.tell(changed)
        except FlashstreamError as failure:
            # It is told again, round by round, until its watcher has it.
            self._log.warning("change_not_told", stream=stream, error=failure.message)
        return self._supervisor.status(changed)

    def remove(self, stream: str) -> None:
        """End a stream's watcher, even one that hangs, and delete all that is stored of it.

        If this cannot be completed, the supervisor tries until it is.
        """
        with self._changing:
            self._registry.refresh()
            if stream in self._registry.wanted.corrupt:
                spec = StreamSpec(stream, "", 1.0, time.time(), removed=True)
            else:
                spec = replace(self._spec(stream), removed=True)
            self._registry.put(spec)
        self._supervisor.remove(spec)

    def nodes(self) -> list[NodeStatus]:
        """The cluster's nodes, by name."""
        nodes, statuses = self._supervisor.nodes(), self.statuses()
        drained = self._registry.wanted.drained
        found = []
        for node in sorted(nodes, key=lambda node: (node.name, node.id)):
            here = [status for status in statuses if status.node == node.id]
            held = sum(status.memory_bytes for status in here)
            found.append(NodeStatus(node, len(here), held, drained.get(node.id)))
        return found

    def drain(self, name: str) -> NodeStatus:
        """Move what is watched on a node to others, one stream at a time; new ones go elsewhere."""
        return self._mark(name, time.time())

    def undrain(self, name: str) -> NodeStatus:
        """Let a node take streams again."""
        return self._mark(name, None)

    def _mark(self, name: str, since_s: float | None) -> NodeStatus:
        nodes = self._supervisor.nodes()
        node = named(nodes, name)
        with self._changing:
            self._registry.refresh()
            if since_s is None or node.id not in self._registry.wanted.drained:
                self._registry.mark(node.id, since_s, alive={each.id for each in nodes})
        self._wake()
        return next(status for status in self.nodes() if status.node.id == node.id)

    def close(self) -> None:
        """End all watchers, after each has written what it has; the registry stays."""
        self._supervisor.end_all()
