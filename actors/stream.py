"""Watches one camera: decode → sample → encode → observe → commit → publish.

Three threads: one decodes into a bounded mailbox (`Camera`), one takes frames from it, one commits,
so that a slow encoder never stalls the camera's connection, nor a slow store the watching.
Questions read snapshots and never wait for any of them.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from flashstream.actors.camera import Camera, pause_s
from flashstream.actors.health import StreamHealth
from flashstream.actors.lending import Lending
from flashstream.actors.mailbox import Mailbox
from flashstream.actors.spec import StreamSpec, StreamState, StreamStatus
from flashstream.errors import (
    CorruptRecordError,
    FingerprintError,
    FlashstreamError,
    NotReadyError,
    OverloadedError,
    StoreError,
    SupersededError,
)
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.telemetry import (
    COMMIT_FAILURES,
    COMMIT_SECONDS,
    FRAMES_DROPPED,
    FRAMES_OBSERVED,
    OBSERVE_SECONDS,
    SNAPSHOT_AGE,
    Telemetry,
)
from flashstream.video.frame import Frame
from flashstream.video.picture import thumbnail
from flashstream.video.source import VideoSource

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float16]]
"""uint8[S, S, 3] → float16[G, G, D]; may raise `OverloadedError`."""

_IDLE_S = 0.5  # how often an idle thread looks whether it should stop
_ENCODER_PAUSE_S = 0.1
_STORE_PAUSE_S = 0.5
_STOP_S = 15.0
_STALE_PERIODS = 3


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The part of the settings that a stream worker needs (see `StreamSettings`).

    lend_s: how long the pictures of a snapshot stay at hand after it was given to a question.
    stale_after_s: without a new frame; at least three sampling periods. degraded_after_s: without
    a commit that the store took.
    """

    queue_frames: int
    commit_interval_s: float
    reconnect_max_s: float
    thumbnail_width: int
    thumbnail_bytes: int
    picture_ttl_s: int
    lend_s: float
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
        open_journal: Callable[[], MemoryJournal[NDArray[np.float16]]],
        open_source: Callable[[StreamSpec], VideoSource],
        preprocess: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
        encode: Encode,
        telemetry: Telemetry,
        judge: Callable[[Frame], str | None] = lambda _: None,
    ) -> None:
        """judge: see `Camera`."""
        self._id = spec.id
        self._options = options
        self._open_journal = open_journal
        self._opened: MemoryJournal[NDArray[np.float16]] | None = None
        self._preprocess = preprocess
        self._encode = encode
        self._telemetry = telemetry
        self._log = structlog.get_logger().bind(stream=spec.id)
        self._frames: Mailbox[Frame] = Mailbox(options.queue_frames)
        self._encode_drops = 0
        self._stopping = threading.Event()
        self._observed = threading.Event()  # since the last commit
        self._memory_lock = threading.Lock()
        self._lending = Lending(options.lend_s)
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
                ("commit", self._commits),
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
            self._guard(self._commit)
        return not any(thread.is_alive() for thread in self._threads)

    def _end_threads(self) -> None:
        self._stopping.set()
        self._observed.set()
        self._frames.close()
        self._camera.end()

    def apply(self, spec: StreamSpec) -> None:
        """Go on with another spec of this stream, the memory staying as it is; one that is not
        newer is ignored."""
        if self._camera.apply(spec):
            self._health.stale_after_s = _stale_after_s(spec, self._options)

    @property
    def _journal(self) -> MemoryJournal[NDArray[np.float16]]:
        if self._opened is None:
            raise NotReadyError(
                f"the memory of stream '{self._id}' is not open yet: {self._health.now()[2]}",
                stream=self._id,
            )
        return self._opened

    def snapshot(self) -> MemorySnapshot:
        """The newest memory; `NoMemoryYetError` before the first frame."""
        with self._memory_lock:
            snapshot = self._journal.memory.snapshot()
            self._lending.lend(snapshot, self._journal.memory.picture)
        self._telemetry.observe(SNAPSHOT_AGE, max(0.0, time.time() - snapshot.as_of))
        return snapshot

    def picture(self, picture: str) -> bytes | None:
        """A JPEG that the memory holds now, or that an answer has kept."""
        return self._held(picture) or self._journal.store.picture(self._id, picture)

    def keep_pictures(self, pictures: tuple[str, ...]) -> tuple[str, ...]:
        """Write these pictures to the store, so that an answer's evidence outlives the memory's
        own turnover; returns those that are there."""
        kept = []
        for picture in pictures:
            jpeg = self._held(picture)
            if jpeg is None:
                continue
            try:
                self._journal.store.put_picture(
                    self._id, picture, jpeg, self._options.picture_ttl_s
                )
            except StoreError as failure:
                # Still shown while the memory holds it.
                self._log.warning("picture_not_kept", error=str(failure))
            kept.append(picture)
        return tuple(kept)

    def _held(self, picture: str) -> bytes | None:
        with self._memory_lock:
            return self._lending.picture(picture) or self._journal.memory.picture(picture)

    def status(self) -> StreamStatus:
        state, since_s, reason = self._health.now()
        version, nbytes, durable, epoch = 0, 0, 0, 0
        as_of: float | None = None
        durable_as_of: float | None = None
        if (journal := self._opened) is not None:
            with self._memory_lock:
                memory = journal.memory
                version, nbytes = memory.version, memory.nbytes()
                as_of, epoch = memory.as_of, memory.epoch
                durable, durable_as_of = journal.durable_version, journal.durable_as_of
        return StreamStatus(
            spec=self._camera.spec,
            state=state,
            since_s=since_s,
            reason=reason,
            frames_seen=version,
            frames_dropped=self._frames.dropped + self._encode_drops,
            memory_version=version,
            as_of_s=as_of,
            durable_version=durable,
            durable_as_of_s=durable_as_of,
            memory_bytes=nbytes,
            epoch=epoch,
        )

    def _guard(self, run: Callable[[], None]) -> None:
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
                self._opened = self._open_journal()
                self._health.become(StreamState.CONNECTING, "opening the source")
                return
            except (FingerprintError, CorruptRecordError):
                raise
            except StoreError as failure:
                attempt += 1
                self._health.become(StreamState.CONNECTING, failure.message)
                self._stopping.wait(pause_s(attempt, self._options.reconnect_max_s))

    def _watch(self) -> None:
        self._open_memory()
        for thread in self._threads[1:]:
            thread.start()
        while not self._stopping.is_set():
            frame = self._frames.get(_IDLE_S)
            if frame is not None:
                self._see(frame)

    def _see(self, frame: Frame) -> None:
        try:
            features = self._encode(self._preprocess(frame.rgb))
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
        jpeg = thumbnail(frame.rgb, options.thumbnail_width, limit=options.thumbnail_bytes)
        began = time.perf_counter()
        with self._memory_lock:
            self._journal.observe(features, frame.wall_s, jpeg)
        self._telemetry.observe(OBSERVE_SECONDS, time.perf_counter() - began)
        self._telemetry.add(FRAMES_OBSERVED)
        self._observed.set()

    # --- committing ----------------------------------------------------------------------------

    def _commits(self) -> None:
        """Apart from watching, which a store that does not answer must not hold up."""
        while not self._stopping.wait(self._options.commit_interval_s):
            self._observed.wait()
            self._observed.clear()
            self._commit()

    def _commit(self) -> None:
        if not self._journal.pending:
            self._health.taken()
            return
        began = time.perf_counter()
        with self._memory_lock:
            changes = self._journal.prepare()
        try:
            self._journal.write(changes)
        except SupersededError:
            raise
        except StoreError as failure:
            # Watching goes on in memory; the next commit carries these changes too.
            self._telemetry.add(COMMIT_FAILURES)
            self._log.warning("commit_failed", error=failure.message)
            self._health.refused(failure.message)
            self._observed.set()  # also if the camera sends nothing more
            self._stopping.wait(_STORE_PAUSE_S)
            return
        self._health.taken()
        self._telemetry.observe(COMMIT_SECONDS, time.perf_counter() - began)


def _stale_after_s(spec: StreamSpec, options: StreamOptions) -> float:
    return max(options.stale_after_s, _STALE_PERIODS / spec.fps)
