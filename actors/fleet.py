"""Which streams there are: the registry in the store, made true by stream actors."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import structlog

from flashstream.actors.spec import StreamSpec
from flashstream.errors import (
    FlashstreamError,
    OverloadedError,
    StreamExistsError,
    UnknownStreamError,
)
from flashstream.memory_store.store import Store


class Crew(Protocol):
    """Starts and ends what watches a stream."""

    def start(self, spec: StreamSpec) -> None:
        """Start watching; adopts a watcher of that stream that is running already."""
        ...

    def stop(self, stream: str) -> None:
        """End the watcher of that stream, if there is one."""
        ...


class Fleet:
    """Adds, lists and removes streams. The registry is written before a watcher starts, so that a
    death in between leaves a stream that `restore` starts, never a watcher nobody knows of."""

    def __init__(self, store: Store, crew: Crew, *, limit: int) -> None:
        self._store = store
        self._crew = crew
        self._limit = limit
        self._changing = threading.Lock()
        self._log = structlog.get_logger()

    def restore(self) -> int:
        """Start (or adopt) a watcher for every registered stream; returns their number."""
        specs = self.specs()
        for spec in specs:
            self._crew.start(spec)
        self._log.info("fleet_restored", streams=len(specs))
        return len(specs)

    def specs(self) -> list[StreamSpec]:
        """All streams, by id."""
        found = self._store.streams()
        return [StreamSpec.from_record(found[stream]) for stream in sorted(found)]

    def spec(self, stream: str) -> StreamSpec:
        record = self._store.streams().get(stream)
        if record is None:
            raise UnknownStreamError(
                f"there is no stream '{stream}'; GET /v1/streams lists those there are",
                stream=stream,
            )
        return StreamSpec.from_record(record)

    def add(self, spec: StreamSpec) -> None:
        """Register and start a stream; nothing stays behind if it cannot be started."""
        with self._changing:
            present = self._store.streams()
            if spec.id in present:
                raise StreamExistsError(
                    f"there is a stream '{spec.id}' already; choose another id or delete that one",
                    stream=spec.id,
                )
            if len(present) >= self._limit:
                raise OverloadedError(
                    f"{len(present)} streams run here and the limit is {self._limit}; "
                    "delete one or raise streams.limit",
                    limit=self._limit,
                )
            self._store.put_stream(spec.id, spec.record())
            try:
                self._crew.start(spec)
            except Exception:
                self._store.remove_stream(spec.id)
                raise

    def remove(self, stream: str) -> None:
        """End a stream's watcher and delete all that is stored of it."""
        with self._changing:
            self.spec(stream)
            self._end(stream)
            self._store.delete(stream)
            self._store.remove_stream(stream)

    def close(self) -> None:
        """End all watchers, side by side; the registry and the memories stay."""
        with self._changing, ThreadPoolExecutor(16) as pool:
            list(pool.map(self._end, [spec.id for spec in self.specs()]))

    def _end(self, stream: str) -> None:
        try:
            self._crew.stop(stream)
        except FlashstreamError as failure:
            # A watcher that does not answer is killed all the same.
            self._log.warning("stop_unanswered", stream=stream, error=failure.message)
