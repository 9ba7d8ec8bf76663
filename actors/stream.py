"""Watches one camera: decode → sample → encode → observe → commit → publish.

Three threads: one decodes into a bounded mailbox (`Camera`), one takes frames from it, one commits
(`MemoryKeeper`), so that a slow encoder never stalls the camera's connection, nor a slow store the
watching. Questions read snapshots and never wait for any of them.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from flashstream.actors.backoff import pause_s
from flashstream.actors.camera import Camera
from flashstream.actors.health import StreamHealth
from flashstream.actors.keeper import Journal, KeeperOptions, MemoryKeeper, Standing
from flashstream.actors.mailbox import Mailbox
from flashstream.actors.priority import yield_to_calls
from flashstream.actors.spec import StreamSpec, StreamState, StreamStatus
from flashstream.errors import (
    CorruptRecordError,
    FingerprintError,
    FlashstreamError,
    NotReadyError,
    OverloadedError,
    StoreError,
)
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.telemetry import FRAMES_DROPPED, FRAMES_OBSERVED, Telemetry
from flashstream.video.frame import Frame
from flashstream.video.picture import thumbnail
from flashstream.video.source import VideoSource

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float16]]
"""uint8[S, S, 3] → float16[G, G, D]; may raise `OverloadedError`."""

_IDLE_S = 0.5  # how often an idle thread looks whether it should stop
_ENCODER_PAUSE_S = 0.1
_STOP_S = 15.0
_STALE_PERIODS = 3


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The part of the settings that a stream worker needs (see `StreamSettings`).

    stale_after_s: without a new frame; at least three sampling periods. degraded_after_s: without
    a commit that the store took.
    """

    keeper: KeeperOptions
    queue_frames: int
    reconnect_max_s: float
    thumbnail_width: int
    thumbnail_bytes: int
    stale_after_s: float
    degraded_after_s: float


class StreamWorker:
    """One camera and its memory. All public methods may be called from any thread.

    While the stream is paused the camera is closed, and the memory answers as before.
    """

    def __init__(
        self,
        spec: StreamSpec,
        options: StreamOptions,
        *,
        open_journal: Callable[[], Journal],
        open_source: Callable[[StreamSpec], VideoSource],
        preprocess: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
        encode: Encode,
        telemetry: Telemetry,
        judge: Callable[[Frame], str | None] = lambda _: None,
        turn: AbstractContextManager[object] | None = None,
    ) -> None:
        """judge: see `Camera`. turn: held while a frame is worked on; see `maker`."""
        self._id = spec.id
        self._options = options
        self._open_journal = open_journal
        self._opened: MemoryKeeper | None = None
        self._preprocess = preprocess
        self._encode = encode
        self._turn = turn or nullcontext()
        self._telemetry = telemetry
        self._log = structlog.get_logger().bind(stream=spec.id)
        self._frames: Mailbox[Frame] = Mailbox(options.queue_frames)
        self._encode_drops = 0
        self._stopping = threading.Event()
        self._health = StreamHealth(
            spec.id,
            stale_after_s=_stale_after_s(spec, options),
            degraded_after_s=options.degraded_after_s,
        )
        self._camera = Camera(
            spec,
            self._health,
            telemetry,
            open_source=open_source,
            deliver=self._take,
            judge=judge,
            reconnect_max_s=options.reconnect_max_s,
        )
        self._threads = [
            threading.Thread(target=self._guard, args=(run,), name=name, daemon=True)
            for name, run in (
                ("watch", self._watch),
                ("decode", self._camera.run),
                ("commit", lambda: self._keeper.commits()),
            )
        ]

    def start(self) -> None:
        """Open the memory, then the camera; both are retried for ever, in the background."""
        self._threads[0].start()

    def stop(self, *, write: bool = True) -> bool:
        """Stop watching; False if a thread has not ended after 15 s.

        write: what is not yet written.
        """
        self._end_threads()
        until = time.monotonic() + _STOP_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        if write and self._opened is not None and self._health.now()[0] is not StreamState.FAILED:
            self._guard(self._opened.commit)
        return not any(thread.is_alive() for thread in self._threads)

    def _end_threads(self) -> None:
        self._stopping.set()
        if self._opened is not None:
            self._opened.wake()
        self._frames.close()
        self._camera.end()

    def apply(self, spec: StreamSpec) -> None:
        """Go on with another spec of this stream, the memory staying as it is; one that is not
        newer is ignored."""
        if self._camera.apply(spec):
            self._health.stale_after_s = _stale_after_s(spec, self._options)

    @property
    def _keeper(self) -> MemoryKeeper:
        if self._opened is None:
            raise NotReadyError(
                f"the memory of stream '{self._id}' is not open yet: {self._health.now()[2]}",
                stream=self._id,
            )
        return self._opened

    def snapshot(self) -> MemorySnapshot:
        """See `MemoryKeeper`, here and below."""
        return self._keeper.snapshot()

    def picture(self, picture: str) -> bytes | None:
        return self._keeper.picture(picture)

    def keep_pictures(self, pictures: tuple[str, ...]) -> tuple[str, ...]:
        return self._keeper.keep_pictures(pictures)

    def status(self) -> StreamStatus:
        state, since_s, reason = self._health.now()
        stands = self._opened.standing() if self._opened is not None else Standing()
        return StreamStatus(
            spec=self._camera.spec,
            state=state,
            since_s=since_s,
            reason=reason,
            frames_seen=stands.version,
            frames_dropped=self._frames.dropped + self._encode_drops,
            memory_version=stands.version,
            as_of_s=stands.as_of,
            durable_version=stands.durable_version,
            durable_as_of_s=stands.durable_as_of,
            memory_bytes=stands.nbytes,
            epoch=stands.epoch,
        )

    def _guard(self, run: Callable[[], object]) -> None:
        try:
            run()
        except FlashstreamError as failure:
            self._fail(failure.message)
        except Exception as failure:
            self._log.exception("worker_failed")
            self._fail(f"{type(failure).__name__}: {failure}")

    def _fail(self, reason: str) -> None:
        self._health.become(StreamState.FAILED, reason)
        self._end_threads()

    def _take(self, frame: Frame, wait: bool) -> None:
        if dropped := self._frames.put(frame, wait=wait):
            self._telemetry.add(FRAMES_DROPPED, dropped, stage="decode")

    # --- watching ------------------------------------------------------------------------------

    def _open_memory(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            try:
                self._opened = MemoryKeeper(
                    self._id,
                    self._open_journal(),
                    self._options.keeper,
                    self._health,
                    self._telemetry,
                    self._stopping,
                )
                self._health.become(StreamState.CONNECTING, "opening the source")
                return
            except (FingerprintError, CorruptRecordError):
                raise
            except StoreError as failure:
                attempt += 1
                self._health.become(StreamState.CONNECTING, failure.message)
                self._stopping.wait(pause_s(attempt, self._options.reconnect_max_s))

    def _watch(self) -> None:
        yield_to_calls()  # and so do the threads that begin here
        self._open_memory()
        if self._stopping.is_set():
            return
        for thread in self._threads[1:]:
            thread.start()
        while not self._stopping.is_set():
            frame = self._frames.get(_IDLE_S)
            if frame is not None:
                self._see(frame)

    def _see(self, frame: Frame) -> None:
        try:
            with self._turn:
                picture = self._preprocess(frame.rgb)
            features = self._encode(picture)
        except Exception as failure:
            # Full, restarting or broken: it costs this frame, never the stream. Without the pause
            # a dead encoder would be asked as fast as frames can be taken.
            self._encode_drops += 1
            self._telemetry.add(FRAMES_DROPPED, stage="encode")
            if not isinstance(failure, OverloadedError):
                self._log.warning("encode_failed", error=str(failure))
                self._stopping.wait(_ENCODER_PAUSE_S)
            return
        options = self._options
        with self._turn:
            jpeg = thumbnail(frame.rgb, options.thumbnail_width, limit=options.thumbnail_bytes)
            self._keeper.observe(features, frame.wall_s, jpeg)
        self._telemetry.add(FRAMES_OBSERVED)


def _stale_after_s(spec: StreamSpec, options: StreamOptions) -> float:
    return max(options.stale_after_s, _STALE_PERIODS / spec.fps)
