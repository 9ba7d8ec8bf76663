"""Thin builders that wrap our plain classes for Ray. All actors are named.

Ray restarts the encoder and the fleet for ever; the fleet's supervisor restarts stream actors.
"""

import asyncio
import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import ray
import structlog
from numpy.typing import NDArray

from flashstream.actors.carrier import Carrier, CarrierStatus
from flashstream.actors.clients import (
    ENCODER,
    FLEET,
    EncoderClient,
    FleetClient,
)
from flashstream.actors.encoder import BatchingEncoder
from flashstream.actors.fleet import Fleet, NodeStatus
from flashstream.actors.heap import give_back_large
from flashstream.actors.ray_crew import RayCrew
from flashstream.actors.registry import Registry
from flashstream.actors.rounds import Rounds
from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.actors.stream import Encode
from flashstream.actors.supervisor import Supervisor, SupervisorOptions
from flashstream.actors.watching import maker
from flashstream.config import Settings
from flashstream.errors import FlashstreamError
from flashstream.hanging import ended_if_longer
from flashstream.logs import configure_logs
from flashstream.memory_store.open import open_store
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.registry import configured
from flashstream.telemetry import NullTelemetry, RayTelemetry

_FOREVER = -1  # Ray's value for "restart without limit"
_ROUND_S = 1.0
_ROUND_HANGS_S = 300.0  # all that a round waits for has limits of its own
_TASKS = 16  # of the supervisor at once; a watcher that hangs holds one for up to 30 s


def build_encoder(settings: Settings, telemetry: RayTelemetry) -> BatchingEncoder:
    """Encoders of the configured family, on the configured device."""
    import torch

    if settings.device() == "cpu":
        torch.set_num_threads(settings.encoder.threads)
    family = configured(settings)
    return BatchingEncoder(
        [family.encoder(settings.device()) for _ in range(settings.encoder.workers)],
        telemetry,
        max_batch=settings.encoder.max_batch,
        max_wait_s=settings.encoder.max_wait_ms / 1000,
        queue_frames=settings.encoder.queue_frames,
        within=partial(ended_if_longer, settings.encoder.stall_s),
    )


class EncoderActor:
    """The shared encoder of one device."""

    def __init__(self, settings: Settings) -> None:
        configure_logs()
        self._batching = build_encoder(settings, RayTelemetry())

    async def ping(self) -> None: ...

    async def encode(self, frames: list[NDArray[np.uint8]]) -> NDArray[np.float16]:
        submitted = map(asyncio.wrap_future, self._batching.submit_all(frames))
        return np.stack(await asyncio.gather(*submitted))


class StreamActor:
    """A process that watches streams (see `Carrier`)."""

    def __init__(self, settings: Settings) -> None:
        configure_logs()
        give_back_large()
        telemetry = RayTelemetry()
        self._carrier = Carrier(
            maker(settings, telemetry, _encode(settings, telemetry)),
            node=ray.get_runtime_context().get_node_id(),
            pid=os.getpid(),
        )

    def watch(self, spec: StreamSpec, waits: bool) -> None:
        self._carrier.watch(spec, waits=waits)

    def begin(self, stream: str) -> None:
        self._carrier.begin(stream)

    def snapshot(self, stream: str) -> MemorySnapshot:
        return self._carrier.worker(stream).snapshot()

    def snapshot_to_ask(self, stream: str) -> tuple[MemorySnapshot, MemorySnapshot]:
        whole = self.snapshot(stream)
        return whole.without_rows(), whole

    def picture(self, stream: str, picture: str) -> bytes | None:
        return self._carrier.worker(stream).picture(picture)

    def keep_pictures(self, stream: str, pictures: tuple[str, ...]) -> tuple[str, ...]:
        return self._carrier.worker(stream).keep_pictures(pictures)

    def status(self) -> CarrierStatus:
        return self._carrier.status()

    def status_of(self, stream: str) -> StreamStatus | None:
        return self._carrier.status_of(stream)

    def apply(self, spec: StreamSpec) -> None:
        self._carrier.worker(spec.id).apply(spec)

    def end(self, stream: str, write: bool) -> bool:
        return self._carrier.end(stream, write=write)

    def live(self) -> None:
        """Returns never: that this call ends is how a caller learns at once of this one's death."""
        threading.Event().wait()


def _encode(settings: Settings, telemetry: RayTelemetry) -> Encode:
    if settings.encoder.placement == "own":
        encoder = build_encoder(settings, telemetry)
    else:
        encoder = BatchingEncoder(
            [EncoderClient.named(settings.ray.namespace)],
            NullTelemetry(),  # the actor tells of the same frames
            # More than fit in the actor's queue would be refused each time, all of them.
            max_batch=min(settings.encoder.max_batch, settings.encoder.queue_frames),
            max_wait_s=0.0,
            queue_frames=settings.encoder.queue_frames,
        )
    return lambda frame: encoder.submit(frame).result()


class FleetActor:
    """The fleet of this service (see `Fleet`), and the thread that supervises it."""

    def __init__(self, settings: Settings) -> None:
        configure_logs()
        streams = settings.streams
        store = open_store(settings.store_url(), settings.store.durability)
        crew = RayCrew(settings, StreamActor, changed=lambda: self._rounds.wake())
        registry = Registry(store)
        self._pool = ThreadPoolExecutor(_TASKS, thread_name_prefix="fleet")
        self._supervisor = Supervisor(
            registry,
            store,
            crew,
            RayTelemetry(),
            self._pool,
            SupervisorOptions(
                silent_after_s=streams.silent_after_s,
                starting_at_once=streams.starting_at_once,
                rebalance_after_s=streams.rebalance_after_s,
            ),
        )
        self._rounds = Rounds(self._round, _ROUND_S)
        self._fleet = Fleet(
            registry,
            self._supervisor,
            crew,
            limit=streams.limit,
            memory_limit_mb=streams.memory_limit_mb,
            wake=self._rounds.wake,
        )
        self._rounds.start()

    def _round(self) -> None:
        with ended_if_longer(_ROUND_HANGS_S):
            self._supervisor.reconcile()

    def ping(self) -> None:
        """Return if the fleet knows what is wanted; `NotReadyError` if not yet."""
        self._fleet.statuses()

    def add(self, spec: StreamSpec) -> StreamStatus:
        return self._fleet.add(spec)

    def change(self, stream: str, changes: dict[str, Any]) -> StreamStatus:
        return self._fleet.change(stream, changes)

    def remove(self, stream: str) -> None:
        self._fleet.remove(stream)

    def statuses(self) -> list[StreamStatus]:
        return self._fleet.statuses()

    def status(self, stream: str) -> StreamStatus:
        return self._fleet.status(stream)

    def where(self, stream: str) -> str | None:
        return self._fleet.where(stream)

    def nodes(self) -> list[NodeStatus]:
        return self._fleet.nodes()

    def drain(self, node: str) -> NodeStatus:
        return self._fleet.drain(node)

    def undrain(self, node: str) -> NodeStatus:
        return self._fleet.undrain(node)

    def close(self) -> None:
        self._rounds.stop()
        self._fleet.close()


def start_encoder(settings: Settings) -> EncoderClient:
    """Start the shared encoder's actor, or adopt the one that runs."""
    encoder = settings.encoder
    return EncoderClient(
        _start(
            EncoderActor,
            ENCODER,
            settings,
            max_concurrency=encoder.queue_frames + 16,
            num_gpus=encoder.gpus,
        )
    )


def start_fleet(settings: Settings) -> FleetClient:
    """Start the fleet's actor, or adopt the one that runs; it starts all registered streams.

    Calls to it wait for the store or a watcher at times, so many may wait at once.
    """
    return FleetClient(_start(FleetActor, FLEET, settings, max_concurrency=32))


def stop_all(settings: Settings) -> None:
    """Let all streams write what they have, then end our actors."""
    namespace = settings.ray.namespace
    try:
        fleet = FleetClient.named(namespace)
        fleet.close(timeout_s=60)
    except (ValueError, FlashstreamError) as failure:
        structlog.get_logger().warning("fleet_not_closed", error=str(failure))
    for name in (FLEET, ENCODER):
        with contextlib.suppress(ValueError):
            ray.kill(ray.get_actor(name, namespace=namespace), no_restart=True)


def _start(kind: type, name: str, settings: Settings, **options: Any) -> Any:
    return (
        ray.remote(kind)
        .options(
            name=name,
            namespace=settings.ray.namespace,
            get_if_exists=True,
            lifetime="detached",
            max_restarts=_FOREVER,
            num_cpus=0,
            **options,
        )
        .remote(settings)
    )
