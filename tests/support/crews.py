"""A crew of watchers that exist only as entries, on nodes that do: for the supervisor's tests."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from flashstream.actors.crew import Node, Watcher
from flashstream.actors.spec import StreamSpec, StreamState, StreamStatus
from flashstream.errors import NotReadyError


class Inline(Executor):
    """Does a task where it is given."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@dataclass
class Entry:
    spec: StreamSpec
    node: str
    hung: bool = False
    memory_bytes: int = 0


@dataclass
class FakeCrew:
    """Watchers by stream; their starts and stops are written down.

    away: no call is answered. broken: streams whose watchers cannot be started.
    """

    node_ids: list[str] = field(default_factory=lambda: ["node-a", "node-b"])
    running: dict[str, Entry] = field(default_factory=dict)
    deaths: dict[str, str] = field(default_factory=dict)
    starts: list[tuple[str, str]] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False
    broken: set[str] = field(default_factory=set)

    def _check(self) -> None:
        if self.away:
            raise NotReadyError("the head is away")

    def watchers(self) -> list[Watcher]:
        self._check()
        deaths, self.deaths = self.deaths, {}
        return [
            *(Watcher(stream, self.status(stream)) for stream in self.running),
            *(Watcher(stream, death=why) for stream, why in deaths.items()),
        ]

    def status(self, stream: str) -> StreamStatus | None:
        entry = self.running[stream]
        if entry.hung:
            return None
        state = StreamState.PAUSED if entry.spec.paused else StreamState.LIVE
        return StreamStatus(
            entry.spec, state, 0.0, "", memory_bytes=entry.memory_bytes, node=entry.node
        )

    def nodes(self) -> list[Node]:
        self._check()
        return [Node(node, f"name-{node}", "127.0.0.1") for node in self.node_ids]

    def where(self, stream: str) -> str | None:
        return stream if stream in self.running else None

    def close(self) -> None:
        self.running.clear()

    def start(self, spec: StreamSpec, node: str | None, *, alone: bool) -> None:
        self._check()
        if spec.id in self.broken:
            raise RuntimeError("no room")
        assert spec.id not in self.running, "two watchers of one stream"
        self.running[spec.id] = Entry(spec, node or self.node_ids[0])
        self.starts.append((spec.id, self.running[spec.id].node))
        if alone:
            self.alone.append(spec.id)

    def move(self, spec: StreamSpec, node: str) -> None:
        self._check()
        if spec.id not in self.running:
            raise NotReadyError("nobody to move")
        self.moves.append((spec.id, node))
        self.running[spec.id] = Entry(spec, node, memory_bytes=self.running[spec.id].memory_bytes)

    def tell(self, spec: StreamSpec) -> None:
        self._check()
        if spec.id not in self.running or self.running[spec.id].hung:
            raise NotReadyError("no answer")
        if spec.generation > self.running[spec.id].spec.generation:
            self.running[spec.id].spec = spec

    def stop(self, stream: str, *, write: bool) -> None:
        self._check()
        self.stops.append(stream)
        entry = self.running.pop(stream, None)
        if entry and entry.hung and write:
            raise NotReadyError("hung")

    def crash(self, stream: str, why: str = "killed") -> None:
        if self.running.pop(stream, None):
            self.deaths[stream] = why
