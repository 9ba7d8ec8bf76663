"""Typed clients of our actors: the only places that call an actor by the name of a method."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from flashstream.actors.calls import wait, wait_async
from flashstream.actors.fleet import NodeStatus
from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.errors import FlashstreamError, NotReadyError
from flashstream.memory_store.snapshot import MemorySnapshot

FLEET = "fleet"
ENCODER = "encoder"
CARRIER_PREFIX = "streams-"
HEALTH = "health"  # the threads of a stream's actor that answer even if all others wait
LIFE = "life"  # the thread that holds the call which ends with the actor
_QUICK_S = 5.0
_CHANGE_S = 90.0  # ending a watcher that hangs, after one that was being ended already
_LOOK_S = 0.2


def actor_named(name: str, namespace: str) -> Any:
    """Its handle, or None."""
    try:
        return ray.get_actor(name, namespace=namespace)
    except ValueError:
        return None


class StreamClient:
    """One stream, in the process that watches it. Every call may raise `NotCarriedError`, or
    `ActorGoneError`: it is watched elsewhere by now, or will be."""

    def __init__(self, handle: Any, stream: str) -> None:
        self._handle = handle
        self._stream = stream

    async def snapshot(self) -> MemorySnapshot:
        ref = self._handle.snapshot.remote(self._stream)
        found: MemorySnapshot = await wait_async(ref, _QUICK_S)
        return found

    async def snapshot_to_ask(self) -> tuple[MemorySnapshot, Any]:
        """The newest memory without its rows, and a reference to the whole of it, to be passed on
        to the answerer: who asks neither unpacks nor packs the rows, and they are held once."""
        head, whole = self._handle.snapshot_to_ask.options(num_returns=2).remote(self._stream)
        try:
            found: MemorySnapshot = await wait_async(head, _QUICK_S)
        except FlashstreamError:
            # It failed alike, and Ray logs, with its trace, a failure that nobody has asked for.
            whole.future()
            raise
        return found, whole

    async def picture(self, picture: str) -> bytes | None:
        ref = self._handle.picture.remote(self._stream, picture)
        found: bytes | None = await wait_async(ref, _QUICK_S)
        return found

    async def keep_pictures(self, pictures: tuple[str, ...]) -> tuple[str, ...]:
        ref = self._handle.keep_pictures.remote(self._stream, pictures)
        kept: tuple[str, ...] = await wait_async(ref, _QUICK_S)
        return kept

    async def status(self, timeout_s: float = _QUICK_S) -> StreamStatus:
        ref = self._handle.status_of.options(concurrency_group=HEALTH).remote(self._stream)
        status: StreamStatus | None = await wait_async(ref, timeout_s)
        if status is None:
            raise NotReadyError("the stream moves to another process; try again")
        return status


class CarrierClient:
    """A process that watches streams; see `Carrier`."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def stream(self, stream: str) -> StreamClient:
        """One of its streams."""
        return StreamClient(self._handle, stream)

    def ask_status(self) -> Any:
        """A reference to the `CarrierStatus` that it will answer with."""
        return self._handle.status.options(concurrency_group=HEALTH).remote()

    def life(self) -> Any:
        """A reference that is ready when the process has ended."""
        return self._handle.live.options(concurrency_group=LIFE).remote()

    def watch(self, spec: StreamSpec, *, waits: bool, timeout_s: float) -> None:
        """Returns when it is watched; see `Carrier.watch`."""
        wait(self._handle.watch.remote(spec, waits), timeout_s)

    def begin(self, stream: str, timeout_s: float) -> None:
        """Have what was made to wait be watched from now on."""
        wait(self._handle.begin.remote(stream), timeout_s)

    def apply(self, spec: StreamSpec) -> None:
        """See `StreamWorker.apply`."""
        wait(self._handle.apply.options(concurrency_group=HEALTH).remote(spec), _QUICK_S)

    def end(self, stream: str, *, write: bool, timeout_s: float) -> bool:
        """See `Carrier.end`."""
        ended: bool = wait(self._handle.end.remote(stream, write), timeout_s)
        return ended

    def leave(self, stream: str) -> None:
        """Have it stop watching, without waiting for that."""
        self._handle.end.remote(stream, False)

    def kill(self) -> None:
        """End the process as it is; returns before it has."""
        ray.kill(self._handle, no_restart=True)


class EncoderClient:
    """The shared encoder's actor, itself a `FrameEncoder`."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @classmethod
    def named(cls, namespace: str) -> "EncoderClient":
        return cls(ray.get_actor(ENCODER, namespace=namespace))

    def encode(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """uint8[S, S, 3] each → float16[B, G, G, D]; `OverloadedError` if they do not fit in its
        queue."""
        features: NDArray[np.float16] = wait(self._handle.encode.remote(list(frames)), 30.0)
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

    async def where(self, stream: str) -> str | None:
        """The name of the actor that watches it, None if it is being started;
        `UnknownStreamError`."""
        found: str | None = await wait_async(self._handle.where.remote(stream), _QUICK_S)
        return found

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
