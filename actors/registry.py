"""What the fleet should be: specs of streams and marks of drained nodes, kept in the store."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from flashstream.actors.spec import StreamSpec, is_stream_id
from flashstream.errors import CorruptRecordError, NotReadyError
from flashstream.memory_store.store import StreamRegistry

T = TypeVar("T")

NODES = "~nodes"
"""The record of drained nodes, beside the streams'; no stream can be called so."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The desired state, by stream id.

    corrupt: what is wrong with the records that cannot be read; their watchers are left alone.
    drained: ids of nodes that are to be emptied, with the Unix second they were marked in.
    """

    specs: Mapping[str, StreamSpec] = field(default_factory=dict)
    corrupt: Mapping[str, str] = field(default_factory=dict)
    drained: Mapping[str, float] = field(default_factory=dict)


class Registry:
    """The desired state, as it was last read; what is written goes to the store first.

    Reading and writing exclude each other, so that a slow read never hides a newer write.
    """

    def __init__(self, store: StreamRegistry) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._wanted: Wanted | None = None
        self._log = structlog.get_logger()

    @property
    def wanted(self) -> Wanted:
        """What was last read or written; `NotReadyError` before the first read."""
        if self._wanted is None:
            raise NotReadyError("the streams' registry has not been read yet; try again")
        return self._wanted

    def refresh(self) -> None:
        """Read the store; if it is away, StoreError is raised and what was known stays."""
        with self._lock:
            records = self._store.streams()
            if not records and self._wanted is not None and self._wanted.specs:
                # Nobody but this registry removes streams: a store that came back without its
                # data must not end what is watched.
                self._log.error("registry_lost", streams=len(self._wanted.specs))
                return
            self._wanted = self._read(records)

    def _read(self, records: Mapping[str, Mapping[str, Any]]) -> Wanted:
        specs: dict[str, StreamSpec] = {}
        corrupt: dict[str, str] = {}
        known = self._wanted.specs if self._wanted else {}
        for stream in sorted(filter(is_stream_id, records)):
            try:
                specs[stream] = StreamSpec.from_record(records[stream])
            except CorruptRecordError as failure:
                if stream in known:
                    specs[stream] = known[stream]
                else:
                    corrupt[stream] = failure.message
        return Wanted(specs, corrupt, self._marks(records))

    def _marks(self, records: Mapping[str, Mapping[str, Any]]) -> Mapping[str, float]:
        try:
            marks = records.get(NODES, {}).get("drained", {})
            return {node: float(since_s) for node, since_s in marks.items()}
        except (AttributeError, TypeError, ValueError):
            self._log.exception("drain_marks_unreadable")
            return self._wanted.drained if self._wanted else {}

    def put(self, spec: StreamSpec) -> None:
        """Add or replace a stream."""
        with self._lock:
            wanted = self.wanted
            self._store.put_stream(spec.id, spec.record())
            specs = dict(sorted({**wanted.specs, spec.id: spec}.items()))
            self._wanted = Wanted(specs, _without(wanted.corrupt, spec.id), wanted.drained)

    def remove(self, stream: str) -> None:
        """Forget a stream."""
        with self._lock:
            wanted = self.wanted
            self._store.remove_stream(stream)
            self._wanted = Wanted(
                _without(wanted.specs, stream), _without(wanted.corrupt, stream), wanted.drained
            )

    def mark(self, node: str, since_s: float | None, *, alive: Collection[str]) -> None:
        """Mark a node as drained since then, or (None) take the mark away.

        alive: ids of all nodes there are; marks of others go, for a node never comes back.
        """
        with self._lock:
            wanted = self.wanted
            drained = {
                other: at
                for other, at in wanted.drained.items()
                if other != node and other in alive
            }
            if since_s is not None:
                drained[node] = since_s
            self._store.put_stream(NODES, {"drained": drained})
            self._wanted = Wanted(wanted.specs, wanted.corrupt, drained)


def _without(values: Mapping[str, T], name: str) -> dict[str, T]:
    return {key: value for key, value in values.items() if key != name}
