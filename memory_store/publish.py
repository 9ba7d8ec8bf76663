"""From a memory's state to the snapshot that questions are answered from."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.snapshot import MemorySnapshot, Part, Slots
from flashstream.memory_store.state import MemoryState, SlotState


class _Rows:
    """Rows of a snapshot as they are gathered."""

    def __init__(self) -> None:
        self.features: list[NDArray[np.float16]] = []
        self.parts: list[int] = []
        self.groups: list[int] = []
        self.times: list[float] = []

    def add(self, part: Part, group: int, time_s: float, rows: NDArray[np.float16]) -> None:
        """rows: float16[n, D], all of one group and time."""
        self.features.append(rows)
        self.parts += [int(part)] * len(rows)
        self.groups += [group] * len(rows)
        self.times += [time_s] * len(rows)


def publish(state: MemoryState, as_of: float, retrieved_slots: int) -> MemorySnapshot:
    """The snapshot of a state whose newest frame is of `as_of`, in the published order of parts.

    Abstract rows; temporal slots in slot order; the nearest remembered frame of each of the
    `retrieved_slots` heaviest slots, heaviest first (lower slot on a tie); newest frames first.
    """
    header = state.header
    channels = state.abstract.shape[1]
    rows = _Rows()
    for number, row in enumerate(state.abstract.astype(np.float16)):
        rows.add(Part.ABSTRACT, number, as_of, row[np.newaxis])
    for slot in state.slots:
        centroid = slot.cluster.centroid.reshape(-1, channels).astype(np.float16)
        rows.add(Part.TEMPORAL, slot.cluster.id, slot.cluster.mean_s, centroid)
    for slot in sorted(state.slots, key=lambda s: -s.cluster.weight)[:retrieved_slots]:
        best = slot.candidates[0]
        features = best.features.reshape(-1, channels)
        rows.add(Part.RETRIEVED, slot.cluster.id, best.time_s, features)
    for age, frame in enumerate(state.spatial):
        rows.add(Part.SPATIAL, age, frame.time_s, frame.features.reshape(-1, channels))

    features = np.concatenate(rows.features)
    times = np.array(rows.times, np.float64)
    digest = blake2b(features.data, digest_size=8)
    digest.update(times.data)
    ordinal = np.arange(len(features), dtype=np.int32)
    snapshot = MemorySnapshot(
        stream=header.stream,
        epoch=header.epoch,
        version=header.version,
        as_of=as_of,
        uuid=f"{header.stream}:{header.epoch}:{header.version}:{digest.hexdigest()}",
        fingerprint=header.fingerprint,
        frames_seen=header.version,
        features=features,
        parts=np.array(rows.parts, np.int8),
        groups=np.array(rows.groups, np.int32),
        times=times,
        positions=np.repeat(ordinal[:, np.newaxis], 3, axis=1),
        slots=_table(state.slots),
    )
    for owner in (snapshot, snapshot.slots):
        for name in owner.__dataclass_fields__:
            value = getattr(owner, name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
    return snapshot


def _table(slots: tuple[SlotState, ...]) -> Slots:
    clusters = [slot.cluster for slot in slots]
    return Slots(
        ids=np.array([c.id for c in clusters], np.int32),
        weights=np.array([c.weight for c in clusters], np.int64),
        first_s=np.array([c.first_s for c in clusters], np.float64),
        mean_s=np.array([c.mean_s for c in clusters], np.float64),
        last_s=np.array([c.last_s for c in clusters], np.float64),
        pictures=tuple(tuple(c.picture for c in slot.candidates) for slot in slots),
    )
