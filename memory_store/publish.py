"""From a memory's state to the snapshot that questions are answered from."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.positions import Timeline
from flashstream.memory_store.snapshot import MemorySnapshot, Part, Slots
from flashstream.memory_store.state import MemoryState, SlotState


class _Rows:
    """Rows of a snapshot as they are gathered; D channels."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._features: list[NDArray[np.float16]] = []
        self.parts: list[int] = []
        self._groups: list[int] = []
        self._times: list[float] = []

    def add(self, part: Part, group: int, time_s: float, features: NDArray[np.float16]) -> None:
        """features: float16[…, D], all of one group and time."""
        rows = features.reshape(-1, self._channels)
        self._features.append(rows)
        self.parts += [int(part)] * len(rows)
        self._groups += [group] * len(rows)
        self._times += [time_s] * len(rows)

    def add_slots(self, slots: Iterable[SlotState]) -> None:
        for slot in slots:
            centroid = slot.cluster.centroid.astype(np.float16)
            self.add(Part.TEMPORAL, slot.cluster.id, slot.cluster.mean_s, centroid)

    def add_details(self, slots: Iterable[SlotState]) -> None:
        """The nearest remembered frame of each slot."""
        for slot in slots:
            best = slot.candidates[0]
            self.add(Part.RETRIEVED, slot.cluster.id, best.time_s, best.features)

    def snapshot(
        self,
        state: MemoryState,
        as_of: float,
        frames_seen: int,
        positions: NDArray[np.int32],
    ) -> MemorySnapshot:
        """All rows gathered; the arrays are read-only."""
        header = state.header
        features = np.concatenate(self._features)
        parts, groups = np.array(self.parts, np.int8), np.array(self._groups, np.int32)
        times = np.array(self._times, np.float64)
        # Of all that a projector or a position encoding may look at: an engine keeps what it made
        # of a snapshot under this name.
        digest = blake2b(digest_size=8)
        for array in (features, parts, groups, times, positions):
            digest.update(np.ascontiguousarray(array).data)
        snapshot = MemorySnapshot(
            stream=header.stream,
            epoch=header.epoch,
            version=header.version,
            as_of=as_of,
            uuid=f"{header.stream}:{header.epoch}:{header.version}:{digest.hexdigest()}",
            fingerprint=header.fingerprint,
            frames_seen=frames_seen,
            features=features,
            parts=parts,
            groups=groups,
            times=times,
            positions=positions,
            slots=_table(state.slots),
        )
        for owner in (snapshot, snapshot.slots):
            for name in owner.__dataclass_fields__:
                value = getattr(owner, name)
                if isinstance(value, np.ndarray):
                    value.flags.writeable = False
        return snapshot


def publish_star(state: MemoryState, as_of: float, detailed: Sequence[int]) -> MemorySnapshot:
    """The snapshot of a STAR memory whose newest frame is of `as_of`, in the published order.

    Abstract rows; temporal slots in slot order; the nearest remembered frame of each slot whose
    row is in `detailed`, in that order; newest frames first. Positions count the rows.
    """
    rows = _Rows(state.abstract.shape[1])
    for number, row in enumerate(state.abstract.astype(np.float16)):
        rows.add(Part.ABSTRACT, number, as_of, row)
    rows.add_slots(state.slots)
    rows.add_details([state.slots[row] for row in detailed])
    for age, frame in enumerate(state.spatial):
        rows.add(Part.SPATIAL, age, frame.time_s, frame.features)
    ordinal = np.arange(len(rows.parts), dtype=np.int32)
    positions = np.repeat(ordinal[:, np.newaxis], 3, axis=1)
    return rows.snapshot(state, as_of, state.header.version, positions)


def publish_flash(
    state: MemoryState, as_of: float, detailed: Sequence[int], timeline: Timeline
) -> MemorySnapshot:
    """The snapshot of a Flash memory whose newest step ended at `as_of`: DAM, then CSM.

    Both in the order of time. `timeline` turns times into temporal positions; the CSM's positions
    are offset by the DAM's number of rows, on all three axes.
    """
    rows = _Rows(state.header.geometry["channels"])
    details = sorted((state.slots[row] for row in detailed), key=_detail_time)
    rows.add_details(details)
    offset = len(rows.parts)
    slots = sorted(state.slots, key=lambda slot: slot.cluster.mean_s)
    rows.add_slots(slots)
    times = [_detail_time(slot) for slot in details] + [slot.cluster.mean_s for slot in slots]
    at = timeline(np.array(times, np.float64))
    full, low = (state.header.geometry[size] for size in ("retrieved_grid", "temporal_grid"))
    blocks = [_grid_positions(t, full) for t in at[: len(details)]]
    blocks += [_grid_positions(t, low) + np.int32(offset) for t in at[len(details) :]]
    return rows.snapshot(state, as_of, 2 * state.header.version, np.concatenate(blocks))


def _detail_time(slot: SlotState) -> float:
    return slot.candidates[0].time_s


def _grid_positions(time: np.int32, side: int) -> NDArray[np.int32]:
    """(t, h, w) of a grid's patches, row by row: int32[side², 3]."""
    height, width = np.divmod(np.arange(side * side, dtype=np.int32), np.int32(side))
    return np.stack([np.full_like(height, time), height, width], axis=1)


def _table(slots: tuple[SlotState, ...]) -> Slots:
    clusters = [slot.cluster for slot in slots]
    return Slots(
        ids=np.array([c.id for c in clusters], np.int32),
        weights=np.array([c.weight for c in clusters], np.int64),
        first_s=np.array([c.first_s for c in clusters], np.float64),
        mean_s=np.array([c.mean_s for c in clusters], np.float64),
        last_s=np.array([c.last_s for c in clusters], np.float64),
        pictures=tuple(tuple(c.picture for c in slot.candidates if c.thumbnail) for slot in slots),
    )
