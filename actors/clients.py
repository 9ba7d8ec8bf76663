"""Typed clients of our actors: the only places that call an actor by the name of a method."""

from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from flashstream.actors.calls import wait, wait_async
from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.memory_store.snapshot import MemorySnapshot

FLEET = "fleet"
ENCODER = "encoder"
_QUICK_S = 5.0


def stream_actor_name(stream: str) -> str:
    return f"stream:{stream}"


class StreamClient:
    """One stream's actor."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @classmethod
    def find(cls, stream: str, namespace: str) -> "StreamClient | None":
        try:
            return cls(ray.get_actor(stream_actor_name(stream), namespace=namespace))
        except ValueError:
            return None

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

    async def status(self) -> StreamStatus:
        status: StreamStatus = await wait_async(self._handle.status.remote(), _QUICK_S)
        return status

    def stop(self, timeout_s: float) -> None:
        """Ask the actor to stop and write what it has, then end its process."""
        try:
            wait(self._handle.stop.remote(), timeout_s)
        finally:
            ray.kill(self._handle, no_restart=True)


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
        """Block until all registered streams are started; raises what stopped it."""
        wait(self._handle.ping.remote(), timeout_s)

    def close(self, timeout_s: float) -> None:
        """End all watchers, after each has written what it has; the registry stays."""
        wait(self._handle.close.remote(), timeout_s)

    async def add(self, spec: StreamSpec) -> None:
        await wait_async(self._handle.add.remote(spec), 60.0)

    async def remove(self, stream: str) -> None:
        await wait_async(self._handle.remove.remote(stream), 60.0)

    async def specs(self) -> list[StreamSpec]:
        specs: list[StreamSpec] = await wait_async(self._handle.specs.remote(), _QUICK_S)
        return specs

    async def spec(self, stream: str) -> StreamSpec:
        """`UnknownStreamError` if there is none of that id."""
        spec: StreamSpec = await wait_async(self._handle.spec.remote(stream), _QUICK_S)
        return spec

    async def ping(self) -> None:
        await wait_async(self._handle.ping.remote(), _QUICK_S)
