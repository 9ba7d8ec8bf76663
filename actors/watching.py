"""Builds the stream workers of one process out of the settings."""

import threading
from collections.abc import Callable

from flashstream.actors.keeper import KeeperOptions
from flashstream.actors.spec import StreamSpec
from flashstream.actors.stream import Encode, StreamOptions, StreamWorker
from flashstream.config import Settings
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.open import open_store
from flashstream.models.memory import empty_memory
from flashstream.models.registry import configured
from flashstream.telemetry import Telemetry
from flashstream.video.decoder import Decoder
from flashstream.video.frame import Frame
from flashstream.video.secrets import Secrets
from flashstream.video.source import VideoSource
from flashstream.video.watchdog import PictureWatchdog


def maker(
    settings: Settings, telemetry: Telemetry, encode: Encode
) -> Callable[[StreamSpec], StreamWorker]:
    """Makes workers that share a store, a decoder and the encoder, and nothing else.

    They work on frames by turns: of a process's threads Python's lock lets only one compute anyway,
    and numpy and Pillow hand it on in the midst of a frame, call by call.
    """
    model = configured(settings)
    streams = settings.streams
    store = open_store(settings.store_url(), settings.store.durability)
    decoder = Decoder(streams.decoder)
    secrets = Secrets(streams.secret_dirs, streams.secret_env_prefix)
    turn = threading.Lock()
    options = StreamOptions(
        keeper=KeeperOptions(
            commit_interval_s=streams.commit_interval_s,
            picture_ttl_s=settings.store.picture_ttl_s,
            lend_s=settings.answers.deadline_s + 10,
        ),
        queue_frames=streams.queue_frames,
        reconnect_max_s=streams.reconnect_max_s,
        thumbnail_width=streams.thumbnail_width,
        thumbnail_bytes=model.memory.thumbnail_bytes,
        stale_after_s=streams.stale_after_s,
        degraded_after_s=streams.degraded_after_s,
    )

    def source(spec: StreamSpec) -> VideoSource:
        return VideoSource(
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
        )

    def make(spec: StreamSpec) -> StreamWorker:
        return StreamWorker(
            spec,
            options,
            open_journal=lambda: MemoryJournal.open(
                spec.id, store, lambda epoch: empty_memory(model, spec.id, epoch=epoch)
            ),
            open_source=source,
            preprocess=model.preprocess,
            encode=encode,
            telemetry=telemetry,
            judge=_judge(spec, settings),
            turn=turn,
        )

    return make


def _judge(spec: StreamSpec, settings: Settings) -> Callable[[Frame], str | None]:
    watchdog = PictureWatchdog(settings.streams.frozen_after_s)

    def judge(frame: Frame) -> str | None:
        if spec.loop:  # a file that is played again and again would rightly be called repeating
            return None
        watchdog.see(frame.rgb, frame.wall_s)
        return watchdog.reason or None

    return judge
