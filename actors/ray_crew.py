"""Stream actors of a Ray cluster as the fleet's watchers."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayError
from ray.util import list_named_actors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from flashstream.actors.calls import wait
from flashstream.actors.clients import (
    HEALTH,
    StreamClient,
    actor_named,
    stream_actor_names,
    stream_of,
)
from flashstream.actors.crew import Node, Watcher
from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.config import Settings
from flashstream.errors import FlashstreamError, NotReadyError

_ANSWER_S = 0.5
_STOP_S = 20.0
_GONE_S = 10.0
_READY_S = 90.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one actor said: its status (None if it waits to begin), nothing yet, or its death."""

    answered: bool = False
    status: StreamStatus | None = None
    death: str = ""


class RayCrew:
    """Detached actors named by their streams. A name is one actor's, so that a stream has one
    watcher; its second name is for the successor that waits while it moves.

    Ray does not restart them: the supervisor does, with its pauses.
    """

    def __init__(self, settings: Settings, actor: type) -> None:
        """actor: the class of a watcher, made with (spec, settings, waits=…)."""
        self._settings = settings
        self._namespace = settings.ray.namespace
        own = settings.encoder.placement == "own"
        self._gpus = settings.encoder.gpus if own else 0.0
        # Status is told even while all other threads wait for the store.
        self._actor = ray.remote(concurrency_groups={HEALTH: 2})(actor)
        self._lock = threading.Lock()
        self._handles: dict[str, Any] = {}  # by the actor's name
        # Name → handle, and its answer to come: never two of one actor. Of `watchers` alone.
        self._asked: dict[str, tuple[Any, Any]] = {}
        self._moving: set[str] = set()
        self._begun: set[str] = set()  # names of successors that watch now

    # --- what there is -------------------------------------------------------------------------

    def watchers(self) -> list[Watcher]:
        """Asks all at once and waits for half a second; later answers count in the next round."""
        with _reported("listing the watchers"):
            handles = self._list()
            for name, handle in handles.items():
                if name not in self._asked or self._asked[name][0] is not handle:
                    self._asked[name] = (handle, StreamClient(handle).ask_status())
            self._asked = {name: asked for name, asked in self._asked.items() if name in handles}
            if refs := [ref for _, ref in self._asked.values()]:
                ray.wait(refs, num_returns=len(refs), timeout=_ANSWER_S)
            heard: dict[str, dict[str, _Heard]] = defaultdict(dict)
            for name in handles:
                heard[stream_of(name) or ""][name] = self._hear(name)
            found = [self._watcher(stream, of) for stream, of in sorted(heard.items())]
            return [watcher for watcher in found if watcher is not None]

    def _list(self) -> dict[str, Any]:
        named = {
            each["name"]
            for each in list_named_actors(all_namespaces=True)
            if each["namespace"] == self._namespace and stream_of(each["name"])
        }
        with self._lock:
            unknown = named - self._handles.keys()
        new = {name: actor_named(name, self._namespace) for name in unknown}
        with self._lock:
            for name, handle in new.items():
                if handle is not None:
                    self._handles.setdefault(name, handle)
            return dict(self._handles)

    def _hear(self, name: str) -> _Heard:
        handle, ref = self._asked[name]
        if not ray.wait([ref], timeout=0)[0]:
            return _Heard()
        del self._asked[name]
        try:
            status = ray.get(ref)
            with self._lock:
                begun = name in self._begun
            # It may have been asked before it began.
            return _Heard(answered=not begun or status is not None, status=status)
        except ActorDiedError as death:
            self._forget(name, handle)
            return _Heard(death=why_dead(death))
        except (RayError, FlashstreamError):
            return _Heard()  # cannot be reached just now

    def _watcher(self, stream: str, heard: dict[str, _Heard]) -> Watcher | None:
        """Which of a stream's actors counts; a successor that nobody will begin is ended."""
        for one in heard.values():
            if one.status is not None:
                self._end_waiting(stream, heard)
                return Watcher(stream, one.status)
        if any(not one.answered and not one.death for one in heard.values()):
            return Watcher(stream)
        self._end_waiting(stream, heard)
        deaths = [one.death for one in heard.values() if one.death]
        return Watcher(stream, death=deaths[0]) if deaths else None

    def _end_waiting(self, stream: str, heard: dict[str, _Heard]) -> None:
        with self._lock:
            if stream in self._moving:
                return
        for name, one in heard.items():
            if one.answered and one.status is None:
                self._kill(name)

    def nodes(self) -> list[Node]:
        with _reported("listing the nodes"):
            return [
                Node(node["NodeID"], node["NodeName"], node["NodeManagerAddress"])
                for node in ray.nodes()
                if node["Alive"] and node["Resources"].get("GPU", 0.0) >= self._gpus
            ]

    # --- what is done --------------------------------------------------------------------------

    def start(self, spec: StreamSpec, node: str | None) -> None:
        first, second = stream_actor_names(spec.id)
        with _reported(f"starting {first}"):
            if actor_named(second, self._namespace) is None:
                self._make(first, spec, node, waits=False)

    def _make(self, name: str, spec: StreamSpec, node: str | None, *, waits: bool) -> Any:
        where = "DEFAULT" if node is None else NodeAffinitySchedulingStrategy(node, soft=True)
        handle = self._actor.options(
            name=name,
            namespace=self._namespace,
            get_if_exists=True,
            lifetime="detached",
            max_restarts=0,
            max_concurrency=8,
            num_cpus=0,
            num_gpus=self._gpus,
            # A byte, which is always there: an actor that asks for nothing at all is put on any
            # node, whatever its strategy.
            memory=1,
            scheduling_strategy=where,
        ).remote(spec, self._settings, waits=waits)
        with self._lock:
            self._handles[name] = handle
        return handle

    def move(self, spec: StreamSpec, node: str) -> None:
        stream = spec.id
        with self._lock:
            self._moving.add(stream)
        try:
            with _reported(f"moving stream '{stream}'"):
                self._move(spec, node)
        finally:
            with self._lock:
                self._moving.discard(stream)

    def _move(self, spec: StreamSpec, node: str) -> None:
        first, second = stream_actor_names(spec.id)
        old, new = (second, first) if self._handle(second) else (first, second)
        successor = StreamClient(self._make(new, spec, node, waits=True))
        try:
            wait(successor.ask_status(), _READY_S)
        except Exception:
            self._kill(new)
            raise
        self._stop(old, write=True)
        successor.begin(_STOP_S)
        with self._lock:
            self._begun.add(new)

    def tell(self, spec: StreamSpec) -> None:
        client = StreamClient.find(spec.id, self._namespace)
        if client is None:
            raise NotReadyError(f"stream '{spec.id}' is being started", stream=spec.id)
        client.apply(spec)

    def stop(self, stream: str, *, write: bool) -> None:
        with _reported(f"ending the watcher of '{stream}'"):
            for name in stream_actor_names(stream):
                self._stop(name, write=write)

    def _stop(self, name: str, *, write: bool) -> None:
        handle = self._handle(name)
        if handle is None:
            return
        try:
            if write:
                StreamClient(handle).stop(timeout_s=_STOP_S)
        except FlashstreamError:
            pass  # one that does not answer is ended all the same
        finally:
            self._kill(name)
        deadline = time.monotonic() + _GONE_S
        while actor_named(name, self._namespace) is not None:
            if time.monotonic() > deadline:
                raise NotReadyError(f"the actor {name} has not ended")
            time.sleep(_POLL_S)

    def _kill(self, name: str) -> None:
        handle = self._handle(name)
        if handle is not None:
            ray.kill(handle, no_restart=True)
            self._forget(name, handle)

    def _forget(self, name: str, handle: Any) -> None:
        with self._lock:
            if self._handles.get(name) is handle:
                del self._handles[name]
                self._begun.discard(name)

    def _handle(self, name: str) -> Any:
        with self._lock:
            handle = self._handles.get(name)
        return handle or actor_named(name, self._namespace)


@contextmanager
def _reported(doing: str) -> Iterator[None]:
    try:
        yield
    except FlashstreamError:
        raise
    except Exception as failure:  # Ray raises many kinds while its head is away
        raise NotReadyError(f"{doing}: the cluster failed: {failure}") from failure


def why_dead(death: ActorDiedError) -> str:
    """One line out of Ray's report."""
    lines = [line.strip() for line in str(death).splitlines() if line.strip()]
    for line in lines:
        if "exit detail:" in line:
            return line.partition("exit detail:")[2].strip().partition(". ")[0]
    return lines[-1][:300] if lines else "it died"
