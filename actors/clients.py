"""Typed clients of our actors: the only places that call an actor by the name of a method."""

import time
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from flashstream.actors.calls import wait, wait_async
from flashstream.actors.fleet import NodeStatus
from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.errors import NotReadyError
from flashstream.memory_store.snapshot import MemorySnapshot

FLEET = "fleet"
ENCODER = "encoder"
STREAM_PREFIX = "stream:"
HEALTH = "health"  # the threads of a stream's actor that answer even if all others wait
_QUICK_S = 5.0
_CHANGE_S = 90.0  # ending a watcher that hangs, after one that was being ended already
_LOOK_S = 0.2


def stream_actor_names(stream: str) -> tuple[str, str]:
    """Either is its watcher's; two of them are there only while it moves to another node."""
    return f"{STREAM_PREFIX}{stream}", f"{STREAM_PREFIX}{stream}~"


def stream_of(actor_name: str) -> str | None:
    """The stream that an actor of that name watches; None if it is no watcher's."""
    stream = actor_name.removeprefix(STREAM_PREFIX).removesuffix("~")
    return stream if actor_name.startswith(STREAM_PREFIX) else None


def actor_named(name: str, namespace: str) -> Any:
    """Its handle, or None."""
    try:
        return ray.get_actor(name, namespace=namespace)
    except ValueError:
        return None


class StreamClient:
    """One stream's actor."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @classmethod
    def find(cls, stream: str, namespace: str) -> "StreamClient | None":
        """The stream's watcher; while it moves, the one that has its memory."""
        handles = [actor_named(name, namespace) for name in stream_actor_names(stream)]
        clients = [cls(handle) for handle in handles if handle is not None]
        if len(clients) == 2 and clients[0]._waits():
            clients.reverse()
        return clients[0] if clients else None

    def _waits(self) -> bool:
        try:
            return wait(self.ask_status(), _LOOK_S) is None
        except NotReadyError:
            return True

    async def snapshot(self) -> MemorySnapshot:
        found: MemorySnapshot = await wait_async(self._handle.snapshot.remote(), _QUICK_S)
        return found

    async def picture(self, picture: str) -> bytes | None:
        found: bytes | None = await wait_async(self._handle.picture.remote(picture), _QUICK_S)
        return found

    async def keep_pictures(self, pictures: tuple[str, ...]) -> tuple[str, ...]:
        kept: tuple[str, ...] = await wait_async(
            self._handle.keep_pictures.remote(pictures), _QUICK_S
        )
        return kept

    async def status(self, timeout_s: float = _QUICK_S) -> StreamStatus:
        status: StreamStatus | None = await wait_async(self.ask_status(), timeout_s)
        if status is None:
            raise NotReadyError("the stream moves to another node; try again")
        return status

    def ask_status(self) -> Any:
        """A reference to the `StreamStatus` that it will answer with; None until it begins."""
        return self._handle.status.options(concurrency_group=HEALTH).remote()

    def apply(self, spec: StreamSpec) -> None:
        """See `StreamWorker.apply`."""
        wait(self._handle.apply.options(concurrency_group=HEALTH).remote(spec), _QUICK_S)

    def begin(self, timeout_s: float) -> None:
        """Have an actor that was made to wait watch from now on."""
        wait(self._handle.begin.remote(), timeout_s)

    def stop(self, timeout_s: float) -> None:
        """Have the actor stop watching and write what it has."""
        wait(self._handle.stop.remote(), timeout_s)


class EncoderClient:
    """The shared encoder's actor."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @classmethod
    def named(cls, namespace: str) -> "EncoderClient":
        return cls(ray.get_actor(ENCODER, namespace=namespace))

    def encode(self, frame: NDArray[np.uint8]) -> NDArray[np.float16]:
        """uint8[S, S, 3] → float16[G, G, D]; `OverloadedError` if its queue is full."""
        features: NDArray[np.float16] = wait(self._handle.encode.remote(frame), 30.0)
        return features

    def wait_ready(self, timeout_s: float) -> None:
        """Block until the encoder is loaded; raises what stopped it."""
        wait(self._handle.ping.remote(), timeout_s)

    async def ping(self) -> None:
        await wait_async(self._handle.ping.remote(), _QUICK_S)


class FleetClient:
    """The fleet's actor: which streams there are."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @classmethod
    def named(cls, namespace: str) -> "FleetClient":
        return cls(ray.get_actor(FLEET, namespace=namespace))

    def wait_ready(self, timeout_s: float) -> None:
        """Block until the fleet knows which streams there are; raises what stopped it."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                wait(self._handle.ping.remote(), timeout_s)
                return
            except NotReadyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_S)

    def close(self, timeout_s: float) -> None:
        """End all watchers, after each has written what it has; the registry stays."""
        wait(self._handle.close.remote(), timeout_s)

    async def add(self, spec: StreamSpec) -> StreamStatus:
        return await self._status(self._handle.add.remote(spec), _CHANGE_S)

    async def change(self, stream: str, changes: dict[str, Any]) -> StreamStatus:
        """See `Fleet.change`."""
        return await self._status(self._handle.change.remote(stream, changes), _CHANGE_S)

    async def remove(self, stream: str) -> None:
        await wait_async(self._handle.remove.remote(stream), _CHANGE_S)

    async def statuses(self) -> list[StreamStatus]:
        """All streams as they were a moment ago, by id."""
        found: list[StreamStatus] = await wait_async(self._handle.statuses.remote(), _QUICK_S)
        return found

    async def status(self, stream: str) -> StreamStatus:
        """One of them; `UnknownStreamError` if there is none of that id."""
        return await self._status(self._handle.status.remote(stream), _QUICK_S)

    async def nodes(self) -> list[NodeStatus]:
        found: list[NodeStatus] = await wait_async(self._handle.nodes.remote(), _QUICK_S)
        return found

    async def drain(self, node: str) -> NodeStatus:
        found: NodeStatus = await wait_async(self._handle.drain.remote(node), _CHANGE_S)
        return found

    async def undrain(self, node: str) -> NodeStatus:
        found: NodeStatus = await wait_async(self._handle.undrain.remote(node), _CHANGE_S)
        return found

    async def _status(self, ref: Any, timeout_s: float) -> StreamStatus:
        status: StreamStatus = await wait_async(ref, timeout_s)
        return status

    async def ping(self) -> None:
        await wait_async(self._handle.ping.remote(), _QUICK_S)
