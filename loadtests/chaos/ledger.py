"""What was acknowledged, and whether the store still has it."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from flashstream.client import Client
from flashstream.errors import FlashstreamError
from flashstream.loadtests.ages import as_of_s
from flashstream.loadtests.background import Background
from flashstream.memory_store.decoding import decode
from flashstream.memory_store.store import MemoryStore

_LOOK_S: Final = 0.5


class Ledger(Background):
    """Reads, while the context lasts, which versions of each stream's memory the service says are
    durable. `lost` counts updates that were acknowledged and are not there any more."""

    def __init__(self, client: Callable[[], Client]) -> None:
        super().__init__()
        self._client = client
        self._lock = threading.Lock()
        self._first: dict[str, int] = {}
        self._acknowledged: dict[str, int] = {}
        self._since: dict[str, float] = {}
        self.lost = 0

    @property
    def updates(self) -> int:
        """Acknowledged since the beginning, of all streams."""
        with self._lock:
            return sum(self._acknowledged[s] - self._first[s] for s in self._first)

    def note(self, streams: Sequence[dict[str, Any]]) -> None:
        """What the service says now."""
        with self._lock:
            for stream in streams:
                name, version = stream["id"], int(stream["durable_version"])
                if not version:
                    continue  # it has not opened its memory yet
                self._first.setdefault(name, version)
                had = self._acknowledged.get(name, 0)
                self.lost += max(0, had - version)
                self._acknowledged[name] = max(had, version)
                if stream["as_of"] is not None:
                    self._since.setdefault(name, as_of_s(stream))

    def audit(self, store: MemoryStore) -> list[str]:
        """Read every memory out of the store itself; what is wrong with them, in words."""
        problems = []
        with self._lock:
            for name, version in self._acknowledged.items():
                stored = store.load(name)
                if stored is None or stored.version < version:
                    has = stored.version if stored else 0
                    self.lost += version - has
                    problems.append(f"{name}: version {version} was acknowledged, {has} is stored")
                    continue
                try:
                    state = decode(stored.records)
                except FlashstreamError as failure:
                    problems.append(f"{name}: {failure.message}")
                    continue
                oldest = min(slot.cluster.first_s for slot in state.slots)
                if oldest > self._since[name]:
                    problems.append(f"{name}: begins {oldest - self._since[name]:.1f} s late")
        return problems

    def _run(self) -> None:
        while not self._ending.wait(_LOOK_S):
            with suppress(FlashstreamError), self._client() as client:
                self.note(client.streams())
