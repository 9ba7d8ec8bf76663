"""The watchers of one process: each stream with its own memory, epoch, state and failure."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil

from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.actors.stream import StreamWorker
from flashstream.errors import NotReadyError


@dataclass(frozen=True, slots=True)
class CarrierStatus:
    """node: id of the cluster's node. streams: by id; None for one that waits to begin. rss: bytes
    of memory that the process holds."""

    node: str
    streams: dict[str, StreamStatus | None]
    rss: int = 0


class NotCarriedError(NotReadyError):
    """The stream is not watched in this process (any more)."""


class Carrier:
    """Stream workers by stream. Thread-safe.

    make: a worker that is not started. node, pid: where this is.
    """

    def __init__(self, make: Callable[[StreamSpec], StreamWorker], *, node: str, pid: int) -> None:
        self._make = make
        self._node = node
        self._pid = pid
        self._lock = threading.Lock()
        self._workers: dict[str, StreamWorker] = {}
        self._waiting: set[str] = set()

    def watch(self, spec: StreamSpec, *, waits: bool = False) -> None:
        """Watch a stream; one that is watched here already is left as it is.

        waits: touch neither memory nor camera before `begin`: another watches on until then.
        """
        with self._lock:
            if spec.id in self._workers:
                return
            worker = self._workers[spec.id] = self._make(spec)
            if waits:
                self._waiting.add(spec.id)
                return
        worker.start()

    def begin(self, stream: str) -> None:
        """Watch from now on what was made to wait."""
        worker = self.worker(stream)
        with self._lock:
            if stream not in self._waiting:
                return
            self._waiting.discard(stream)
        worker.start()

    def worker(self, stream: str) -> StreamWorker:
        """Raises `NotCarriedError`."""
        with self._lock:
            worker = self._workers.get(stream)
        if worker is None:
            raise NotCarriedError(f"stream '{stream}' is being started or moved", stream=stream)
        return worker

    def end(self, stream: str, *, write: bool) -> bool:
        """Stop watching; False if something of it hangs, so that only the process's end helps.

        write: what is not yet written, first.
        """
        with self._lock:
            worker = self._workers.pop(stream, None)
            waited = stream in self._waiting
            self._waiting.discard(stream)
        return worker is None or waited or worker.stop(write=write)

    def status(self) -> CarrierStatus:
        with self._lock:
            workers, waiting = dict(self._workers), set(self._waiting)
        return CarrierStatus(
            self._node,
            {
                stream: None if stream in waiting else self._told(worker)
                for stream, worker in workers.items()
            },
            psutil.Process().memory_info().rss,
        )

    def status_of(self, stream: str) -> StreamStatus | None:
        """Raises `NotCarriedError`."""
        worker = self.worker(stream)
        return None if stream in self._waiting else self._told(worker)

    def _told(self, worker: StreamWorker) -> StreamStatus:
        return replace(worker.status(), node=self._node, pid=self._pid)
