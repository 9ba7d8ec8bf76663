"""What a camera's memory costs its store: bytes written an hour, and bytes that lie there.

Beside it, in the same run and for the same frames, the plain way: whole records of all that
changed, every number as the memory has it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashstream.bench.fixed_camera import FixedCamera, Sight
from flashstream.bench.machine import machine_facts
from flashstream.memory_store.codec import META, SPATIAL, changed, removed
from flashstream.memory_store.encoding import Held, update
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.record import pack
from flashstream.memory_store.state import MemoryState
from flashstream.models.demo.family import DemoFamily
from flashstream.models.family import Progress
from flashstream.models.memory import empty_memory

_SEED = 5
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Sizes:
    """hours: watched at one frame a second; of the first, while the memory fills, nothing counts.
    intervals_s: between commits."""

    hours: int = 3
    intervals_s: tuple[int, ...] = (1, 5, 10, 30, 60, 120)


@dataclass
class _Writer:
    """A store's side of the memory at one commit interval, in this way and the plain one."""

    interval_s: int
    held: Held = field(default_factory=Held)
    stored: dict[str, bytes] = field(default_factory=dict)
    plain: dict[str, int] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    commits: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    sent_plainly: int = 0

    def commit(self, state: MemoryState, counted: bool) -> None:
        made = update(state, self.held, self.waiting)
        for name in self.held.names - made.held.names:
            del self.stored[name]
        self.stored.update(made.records)
        self.held = made.held
        plain = plain_sizes(state)
        if counted:
            self.commits += 1
            for name, data in made.records.items():
                kind = name.split(":")[0]
                self.sent[kind] += len(data)
                self.records[kind] += 1
            # There, all abstract rows are one record.
            self.sent_plainly += sum(
                plain[name] for name in plain.keys() & (self.waiting | {"abstract"})
            )
        self.plain = plain
        self.waiting.clear()

    def result(self, hours: float) -> dict[str, Any]:
        sent = sum(self.sent.values())
        return {
            "commits_per_hour": self.commits / hours,
            "bytes_per_hour": round(sent / hours),
            "bytes_per_hour_plain": round(self.sent_plainly / hours),
            "saved": self.sent_plainly / sent,
            "bytes_per_hour_by_kind": {k: round(n / hours) for k, n in sorted(self.sent.items())},
            "records_per_hour_by_kind": {
                k: round(n / hours, 1) for k, n in sorted(self.records.items())
            },
            "stored_bytes": sum(len(data) for data in self.stored.values()),
            "stored_bytes_plain": sum(self.plain.values()),
        }


def run(report: Progress, sizes: Sizes | None = None) -> dict[str, Any]:
    """Measure the demo model's memory of a made-up fixed camera; some minutes on one core."""
    sizes = sizes or Sizes()
    family = DemoFamily()
    memory = empty_memory(family, "camera")
    camera = FixedCamera(family.grid, family.channels, _SEED, family.memory.thumbnail_bytes)
    return {
        **measure(memory, camera.sights(sizes.hours * _HOUR_S), sizes, report),
        "sizes": asdict(sizes),
        "machine": machine_facts(),
    }


def measure(
    memory: StreamMemory[NDArray[np.float16]],
    sights: Iterable[Sight],
    sizes: Sizes,
    report: Progress,
    *,
    hour_s: int = _HOUR_S,
) -> dict[str, Any]:
    """By commit interval, of all hours but the first: bytes of records sent to the store in an
    hour, thumbnails included, in this way and plainly, and bytes that lie there at the end.

    "visited" is the share of frames with a visitor. hour_s: frames in an hour.
    """
    writers = [_Writer(interval) for interval in sizes.intervals_s]
    visited = number = 0
    for number, sight in enumerate(sights, 1):
        delta = memory.observe(sight.features, sight.time_s, sight.thumbnail)
        visited += sight.visited
        new, gone = changed(delta), removed(delta)
        for writer in writers:
            writer.waiting = (writer.waiting | new) - gone
            if number % writer.interval_s == 0:
                writer.commit(memory.view(), number > hour_s)
        if number % 60 == 0:
            report("watching a fixed camera", number / (sizes.hours * hour_s))
    hours = (number - hour_s) / hour_s
    return {
        "by_interval_s": {str(writer.interval_s): writer.result(hours) for writer in writers},
        "visited": visited / number,
        "memory_bytes": memory.nbytes(),
    }


def plain_sizes(state: MemoryState) -> dict[str, int]:
    """Bytes of each record, were all that it holds written as the memory has it."""
    sizes = {META: len(pack(META, {"order": state.header.order, **state.header.geometry}, {}))}
    if state.header.kind == "star":
        sizes["abstract"] = state.abstract.nbytes
        sizes[SPATIAL] = sum(frame.features.nbytes for frame in state.spatial)
    for slot in state.slots:
        cluster = slot.cluster
        sizes[f"slot:{cluster.id}"] = cluster.centroid.nbytes + cluster.carry.nbytes
        for kept in slot.candidates:
            sizes[f"frame:{kept.frame}"] = kept.nbytes()
    return sizes
