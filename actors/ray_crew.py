"""Stream actors of a Ray cluster as the fleet's watchers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayActorError, RayTaskError
from ray.util import list_named_actors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from flashstream.actors.clients import HEALTH, STREAM_PREFIX, StreamClient, stream_actor_name
from flashstream.actors.crew import Node, Watcher
from flashstream.actors.spec import StreamSpec
from flashstream.config import Settings
from flashstream.errors import FlashstreamError, NotReadyError

_ANSWER_S = 0.5
_STOP_S = 20.0
_GONE_S = 10.0
_POLL_S = 0.02


class RayCrew:
    """Detached actors named by their streams; a name is one actor's, so a stream has one watcher.

    Ray does not restart them: the supervisor does, with its pauses.
    """

    def __init__(self, settings: Settings, actor: type) -> None:
        """actor: the class of a watcher, made with (spec, settings)."""
        self._settings = settings
        self._namespace = settings.ray.namespace
        own = settings.encoder.placement == "own"
        self._gpus = settings.encoder.gpus if own else 0.0
        # Status is told even while all other threads wait for the store.
        self._actor = ray.remote(concurrency_groups={HEALTH: 2})(actor)
        self._lock = threading.Lock()
        self._handles: dict[str, Any] = {}
        self._asked: dict[str, Any] = {}  # stream → its answer to come; never two of one stream

    def watchers(self) -> list[Watcher]:
        """Asks all at once and waits for half a second; later answers count in the next round."""
        with _reported("listing the watchers"):
            named = {
                each["name"].removeprefix(STREAM_PREFIX)
                for each in list_named_actors(all_namespaces=True)
                if each["namespace"] == self._namespace and each["name"].startswith(STREAM_PREFIX)
            }
            with self._lock:
                known = set(self._handles)
            for stream in named - known:
                handle = self._find(stream)
                with self._lock:
                    if handle is not None:
                        self._handles.setdefault(stream, handle)
            with self._lock:
                handles = dict(self._handles)
            for stream, handle in handles.items():
                if stream not in self._asked:
                    self._asked[stream] = StreamClient(handle).ask_status()
            if self._asked:
                asked = list(self._asked.values())
                ray.wait(asked, num_returns=len(asked), timeout=_ANSWER_S, fetch_local=True)
            return [self._heard(stream) for stream in sorted(handles)]

    def _heard(self, stream: str) -> Watcher:
        ref = self._asked[stream]
        done, _ = ray.wait([ref], timeout=0)
        if not done:
            return Watcher(stream)
        del self._asked[stream]
        try:
            return Watcher(stream, ray.get(ref))
        except ActorDiedError as death:
            with self._lock:
                self._handles.pop(stream, None)
            return Watcher(stream, death=why_dead(death))
        except (RayActorError, RayTaskError, FlashstreamError):
            return Watcher(stream)  # cannot be reached just now

    def nodes(self) -> list[Node]:
        with _reported("listing the nodes"):
            return [
                Node(node["NodeID"], node["NodeName"], node["NodeManagerAddress"])
                for node in ray.nodes()
                if node["Alive"] and node["Resources"].get("GPU", 0.0) >= self._gpus
            ]

    def start(self, spec: StreamSpec, node: str | None) -> None:
        name = stream_actor_name(spec.id)
        where = "DEFAULT" if node is None else NodeAffinitySchedulingStrategy(node, soft=True)
        with _reported(f"starting {name}"):
            handle = self._actor.options(
                name=name,
                namespace=self._namespace,
                get_if_exists=True,
                lifetime="detached",
                max_restarts=0,
                max_concurrency=8,
                num_cpus=0,
                num_gpus=self._gpus,
                scheduling_strategy=where,
            ).remote(spec, self._settings)
        with self._lock:
            self._handles[spec.id] = handle

    def tell(self, spec: StreamSpec) -> None:
        handle = self._handle(spec.id)
        if handle is None:
            raise NotReadyError(f"stream '{spec.id}' is being started", stream=spec.id)
        StreamClient(handle).apply(spec)

    def stop(self, stream: str, *, write: bool) -> None:
        handle = self._handle(stream)
        if handle is None:
            return
        try:
            if write:
                StreamClient(handle).stop(timeout_s=_STOP_S)
        finally:
            ray.kill(handle, no_restart=True)
            with self._lock:
                self._handles.pop(stream, None)
            self._wait_gone(stream)

    def _handle(self, stream: str) -> Any:
        with self._lock:
            handle = self._handles.get(stream)
        return handle or self._find(stream)

    def _find(self, stream: str) -> Any:
        try:
            return ray.get_actor(stream_actor_name(stream), namespace=self._namespace)
        except ValueError:
            return None

    def _wait_gone(self, stream: str) -> None:
        deadline = time.monotonic() + _GONE_S
        while self._find(stream) is not None:
            if time.monotonic() > deadline:
                raise NotReadyError(f"the watcher of '{stream}' has not ended", stream=stream)
            time.sleep(_POLL_S)


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
