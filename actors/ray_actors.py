"""Thin builders that wrap our plain classes for Ray. All actors are named and restart for ever."""

import asyncio
import contextlib
from typing import Any

import numpy as np
import ray
import structlog
from numpy.typing import NDArray

from flashstream.actors.clients import (
    ENCODER,
    FLEET,
    EncoderClient,
    FleetClient,
    StreamClient,
    stream_actor_name,
)
from flashstream.actors.encoder import BatchingEncoder
from flashstream.actors.fleet import Fleet
from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.actors.stream import Encode, StreamOptions, StreamWorker
from flashstream.config import Settings
from flashstream.errors import FlashstreamError
from flashstream.logs import configure_logs
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.open import open_store
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.memory import empty_memory
from flashstream.models.registry import configured
from flashstream.telemetry import RayTelemetry
from flashstream.video.decoder import Decoder
from flashstream.video.secrets import Secrets
from flashstream.video.source import VideoSource

_FOREVER = -1  # Ray's value for "restart without limit"


def build_encoder(settings: Settings, telemetry: RayTelemetry) -> BatchingEncoder:
    """The encoder of the configured family, on the configured device."""
    import torch

    if settings.device() == "cpu":
        torch.set_num_threads(settings.encoder.threads)
    return BatchingEncoder(
        configured(settings).encoder(settings.device()),
        telemetry,
        max_batch=settings.encoder.max_batch,
        max_wait_s=settings.encoder.max_wait_ms / 1000,
        queue_frames=settings.encoder.queue_frames,
    )


class EncoderActor:
    """The shared encoder of one device."""

    def __init__(self, settings: Settings) -> None:
        configure_logs()
        self._batching = build_encoder(settings, RayTelemetry())

    async def ping(self) -> None: ...

    async def encode(self, frame: NDArray[np.uint8]) -> NDArray[np.float16]:
        return await asyncio.wrap_future(self._batching.submit(frame))


class StreamActor:
    """One camera's watcher (see `StreamWorker`)."""

    def __init__(self, spec: StreamSpec, settings: Settings) -> None:
        configure_logs()
        model = configured(settings)
        telemetry = RayTelemetry()
        streams = settings.streams
        store = open_store(settings.store_url(), settings.store.durability)
        decoder = Decoder(streams.decoder)
        secrets = Secrets(streams.secret_dirs, streams.secret_env_prefix)
        self._worker = StreamWorker(
            spec,
            StreamOptions(
                queue_frames=streams.queue_frames,
                commit_interval_s=streams.commit_interval_s,
                reconnect_max_s=streams.reconnect_max_s,
                thumbnail_width=streams.thumbnail_width,
                thumbnail_bytes=model.memory.thumbnail_bytes,
                picture_ttl_s=settings.store.picture_ttl_s,
                lend_s=settings.answers.deadline_s + 10,
            ),
            open_journal=lambda: MemoryJournal.open(
                spec.id,
                store,
                lambda epoch: empty_memory(model, spec.id, epoch=epoch),
            ),
            open_source=lambda: VideoSource(
                spec.url,
                fps=spec.fps,
                open_timeout_s=streams.open_timeout_s,
                read_timeout_s=streams.read_timeout_s,
                live=spec.live,
                loop=spec.loop,
                speed=spec.speed,
                decode=streams.decode,
                decoder=decoder,
                secrets=secrets,
            ),
            preprocess=model.preprocess,
            encode=_encode(settings, telemetry),
            telemetry=telemetry,
        )
        self._worker.start()

    def snapshot(self) -> MemorySnapshot:
        return self._worker.snapshot()

    def picture(self, picture: str) -> bytes | None:
        return self._worker.picture(picture)

    def keep_pictures(self, pictures: tuple[str, ...]) -> tuple[str, ...]:
        return self._worker.keep_pictures(pictures)

    def status(self) -> StreamStatus:
        return self._worker.status()

    def stop(self) -> None:
        self._worker.stop()


def _encode(settings: Settings, telemetry: RayTelemetry) -> Encode:
    if settings.encoder.placement == "own":
        own = build_encoder(settings, telemetry)
        return lambda frame: own.submit(frame).result()
    return EncoderClient.named(settings.ray.namespace).encode


class RayCrew:
    """Stream actors as the fleet's watchers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self, spec: StreamSpec) -> None:
        settings = self._settings
        own = settings.encoder.placement == "own"
        ray.remote(StreamActor).options(
            name=stream_actor_name(spec.id),
            namespace=settings.ray.namespace,
            get_if_exists=True,
            lifetime="detached",
            max_restarts=_FOREVER,
            max_concurrency=8,
            num_cpus=0,
            num_gpus=settings.encoder.gpus if own else 0,
        ).remote(spec, settings)

    def stop(self, stream: str) -> None:
        client = StreamClient.find(stream, self._settings.ray.namespace)
        if client is not None:
            client.stop(timeout_s=20)


class FleetActor:
    """The fleet of this service (see `Fleet`)."""

    def __init__(self, settings: Settings) -> None:
        configure_logs()
        self._fleet = Fleet(
            open_store(settings.store_url(), settings.store.durability),
            RayCrew(settings),
            limit=settings.streams.limit,
        )
        self._fleet.restore()

    def ping(self) -> None: ...

    def add(self, spec: StreamSpec) -> None:
        self._fleet.add(spec)

    def remove(self, stream: str) -> None:
        self._fleet.remove(stream)

    def specs(self) -> list[StreamSpec]:
        return self._fleet.specs()

    def spec(self, stream: str) -> StreamSpec:
        return self._fleet.spec(stream)

    def close(self) -> None:
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
    """Start the fleet's actor, or adopt the one that runs; it starts all registered streams."""
    return FleetClient(_start(FleetActor, FLEET, settings, max_concurrency=16))


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
