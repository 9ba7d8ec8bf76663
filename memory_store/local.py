"""A store in this process's memory: complete, and gone with the process."""

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from flashstream.memory_store.store import Commit, StoredMemory


@dataclass
class _Stream:
    epoch: int = 0
    version: int = 0
    records: dict[str, bytes] = field(default_factory=dict)


class LocalStore:
    """`Store` for tests, tools and a single process; `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}
        self._pictures: dict[str, dict[str, tuple[bytes, float]]] = {}  # JPEG and end of life
        self._registry: dict[str, str] = {}
        self._epoch = 0  # of all streams together, so that a deleted one does not begin again

    def claim(self, stream: str) -> int:
        with self._lock:
            self._epoch += 1
            self._streams.setdefault(stream, _Stream()).epoch = self._epoch
            return self._epoch

    def commit(
        self,
        stream: str,
        epoch: int,
        version: int,
        changes: Mapping[str, bytes],
        removed: Collection[str] = (),
        *,
        base: int | None = None,
    ) -> Commit:
        with self._lock:
            stored = self._streams.get(stream)
            if stored is None or stored.epoch > epoch:
                return Commit.SUPERSEDED
            known = stored.epoch == epoch
            if known and version <= stored.version:
                return Commit.DUPLICATE
            if base is None:
                stored.records.clear()
            elif not known or base != stored.version:
                return Commit.OUT_OF_STEP
            stored.records.update(changes)
            for name in removed:
                stored.records.pop(name, None)
            stored.epoch, stored.version = epoch, version
            self._epoch = max(self._epoch, epoch)
            return Commit.COMMITTED

    def load(self, stream: str) -> StoredMemory | None:
        with self._lock:
            stored = self._streams.get(stream)
            if stored is None or not stored.records:
                return None
            return StoredMemory(stored.epoch, stored.version, dict(stored.records))

    def remembered(self) -> list[str]:
        with self._lock:
            return sorted(name for name, stored in self._streams.items() if stored.records)

    def delete(self, stream: str) -> None:
        with self._lock:
            self._streams.pop(stream, None)
            self._pictures.pop(stream, None)

    def put_picture(self, stream: str, picture: str, jpeg: bytes, ttl_s: int) -> None:
        with self._lock:
            now = self._clock()
            pictures = self._pictures.setdefault(stream, {})
            for old in [p for p, (_, end) in pictures.items() if end <= now]:
                del pictures[old]
            pictures[picture] = (bytes(jpeg), now + ttl_s)

    def picture(self, stream: str, picture: str) -> bytes | None:
        with self._lock:
            jpeg, end = self._pictures.get(stream, {}).get(picture, (None, 0.0))
            return jpeg if end > self._clock() else None

    def put_stream(self, stream: str, spec: Mapping[str, Any]) -> None:
        with self._lock:
            self._registry[stream] = json.dumps(dict(spec))

    def streams(self) -> dict[str, dict[str, Any]]:
        with self._lock:
            return {stream: json.loads(spec) for stream, spec in self._registry.items()}

    def remove_stream(self, stream: str) -> None:
        with self._lock:
            self._registry.pop(stream, None)

    def ping(self) -> None: ...

    def close(self) -> None: ...
