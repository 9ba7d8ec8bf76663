"""A stream's open memory: what is asked of it, and its way into the store."""

import threading
import time
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from flashstream.actors.backoff import pause_s
from flashstream.actors.health import StreamHealth
from flashstream.actors.lending import Lending
from flashstream.errors import StoreError, SupersededError
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.telemetry import (
    COMMIT_FAILURES,
    COMMIT_SECONDS,
    OBSERVE_SECONDS,
    SNAPSHOT_AGE,
    Telemetry,
)

Journal = MemoryJournal[NDArray[np.float16]]

_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """commit_interval_s, picture_ttl_s: see the settings. lend_s: how long the pictures of a
    snapshot stay at hand after it was given to a question."""

    commit_interval_s: float
    picture_ttl_s: int
    lend_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a memory has come, and up to where the store has it."""

    version: int = 0
    as_of: float | None = None
    durable_version: int = 0
    durable_as_of: float | None = None
    nbytes: int = 0
    epoch: int = 0


class MemoryKeeper:
    """All methods may be called from any thread. A slow store holds up `commits`, `commit` and what
    is asked of pictures, never `observe`, `snapshot` or `standing`."""

    def __init__(
        self,
        stream: str,
        journal: Journal,
        options: KeeperOptions,
        health: StreamHealth,
        telemetry: Telemetry,
        stopping: threading.Event,
    ) -> None:
        """stopping: once it is set, and `wake` was called, `commits` returns."""
        self._stream = stream
        self._journal = journal
        self._options = options
        self._health = health
        self._telemetry = telemetry
        self._lending = Lending(options.lend_s)
        self._lock = threading.Lock()  # guards the memory and what is lent of it
        self._observed = threading.Event()  # since the last commit
        self._stopping = stopping
        self._log = structlog.get_logger().bind(stream=stream)

    # --- the memory ----------------------------------------------------------------------------

    def observe(self, features: NDArray[np.float16], wall_s: float, jpeg: bytes) -> None:
        """Take in a frame's features, float16[G, G, D], seen at that Unix time."""
        began = time.perf_counter()
        with self._lock:
            self._journal.observe(features, wall_s, jpeg)
        self._telemetry.observe(OBSERVE_SECONDS, time.perf_counter() - began)
        self._observed.set()

    def snapshot(self) -> MemorySnapshot:
        """The newest memory; `NoMemoryYetError` before the first frame."""
        with self._lock:
            snapshot = self._journal.memory.snapshot()
            self._lending.lend(snapshot, self._journal.memory.picture)
        self._telemetry.observe(SNAPSHOT_AGE, max(0.0, time.time() - snapshot.as_of))
        return snapshot

    def standing(self) -> Standing:
        with self._lock:
            memory = self._journal.memory
            return Standing(
                version=memory.version,
                as_of=memory.as_of,
                durable_version=self._journal.durable_version,
                durable_as_of=self._journal.durable_as_of,
                nbytes=memory.nbytes(),
                epoch=memory.epoch,
            )

    # --- its pictures --------------------------------------------------------------------------

    def picture(self, picture: str) -> bytes | None:
        """A JPEG that the memory holds now, or that an answer has kept."""
        return self._held(picture) or self._journal.store.picture(self._stream, picture)

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
                    self._stream, picture, jpeg, self._options.picture_ttl_s
                )
            except StoreError as failure:
                # Still shown while the memory holds it.
                self._log.warning("picture_not_kept", error=str(failure))
            kept.append(picture)
        return tuple(kept)

    def _held(self, picture: str) -> bytes | None:
        with self._lock:
            return self._lending.picture(picture) or self._journal.memory.picture(picture)

    # --- committing ----------------------------------------------------------------------------

    def commits(self) -> None:
        """Write what was seen, once an interval, until the stream is to stop; what a store refused
        is offered again within a second, however long the interval.

        Raises `SupersededError` when another owner has claimed the stream.
        """
        refused, pause = 0, self._options.commit_interval_s
        while not self._stopping.wait(pause):
            self._observed.wait()
            self._observed.clear()
            refused = 0 if self.commit() else refused + 1
            pause = pause_s(refused, _RETRY_S) if refused else self._options.commit_interval_s

    def wake(self) -> None:
        """Have `commits` look whether it is to stop."""
        self._observed.set()

    def commit(self) -> bool:
        """Write what was seen and is not written yet; False if the store is away."""
        if not self._journal.pending:
            self._health.taken()
            return True
        began = time.perf_counter()
        with self._lock:
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
            return False
        self._health.taken()
        self._telemetry.observe(COMMIT_SECONDS, time.perf_counter() - began)
        return True
