"""From a memory's state to the records that a store lacks; `codec` says what is in them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.candidates import Candidate, mean_point
from flashstream.memory_store.codec import (
    FEATURE_ERROR,
    LAG,
    MEAN_ERROR,
    META,
    SPATIAL,
    abstract_name,
    centroid_name,
    frame_name,
    names,
    slot_name,
)
from flashstream.memory_store.half import widened
from flashstream.memory_store.record import pack, unpack
from flashstream.memory_store.state import MemoryState, SlotState, StateHeader


@dataclass(frozen=True, slots=True)
class Held:
    """What a store has of a memory.

    names: of all records. lagging: the bytes of centroids and abstract rows, which stay as they
    are until the memory has moved away from them.
    """

    names: frozenset[str] = frozenset()
    lagging: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Mapping[str, bytes]) -> "Held":
        lagging = ("centroid:", "abstract:")
        kept = {name: data for name, data in records.items() if name.startswith(lagging)}
        return cls(frozenset(records), kept)


@dataclass(frozen=True, slots=True)
class Update:
    """Records to write, and what the store has once they are and the others are removed."""

    records: dict[str, bytes]
    held: Held


def encode(state: MemoryState) -> dict[str, bytes]:
    """All of the state's records."""
    return update(state, Held(), None).records


def update(state: MemoryState, held: Held, only: Collection[str] | None) -> Update:
    """What a store that has `held` is to be sent.

    only: names of what may differ from what was last sent, as `changed` gives them; None for all.
    """
    return _Writer(state, held, only).written()


class _Writer:
    def __init__(self, state: MemoryState, held: Held, only: Collection[str] | None) -> None:
        self._state, self._held, self._only = state, held, only
        self._records: dict[str, bytes] = {}
        self._lagging: dict[str, bytes] = {}

    def written(self) -> Update:
        state = self._state
        if self._touched(META):
            self._put(META, _header(state.header, len(state.abstract)), {})
        for number, row in enumerate(state.abstract):
            self._abstract(number, row)
        if state.header.kind == "star" and self._touched(SPATIAL):
            self._spatial()
        for slot in state.slots:
            self._slot(slot)
            for kept in slot.candidates:
                if self._touched(frame_name(kept.frame)):
                    self._frame(kept)
        present = frozenset(names(state) | self._lagging.keys())
        return Update(self._records, Held(present, self._lagging))

    def _touched(self, name: str) -> bool:
        return self._only is None or name in self._only

    def _put(
        self,
        name: str,
        fields: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        errors: Mapping[str, float] | None = None,
    ) -> bytes:
        self._records[name] = pack(name, fields, arrays, errors)
        return self._records[name]

    def _abstract(self, number: int, row: NDArray[np.float32]) -> None:
        name = abstract_name(number)
        sent = self._held.lagging.get(name)
        if sent is None or (self._touched(name) and not _near(name, sent, "row", row)):
            sent = self._put(name, {}, {"row": row}, {"row": MEAN_ERROR})
        self._lagging[name] = sent

    def _spatial(self) -> None:
        """Only the features that no record of a remembered frame has."""
        kept = {id(c.features): c.frame for slot in self._state.slots for c in slot.candidates}
        frames = [kept.get(id(frame.features)) for frame in self._state.spatial]
        times = [frame.time_s for frame in self._state.spatial]
        arrays = {
            str(age): frame.features
            for age, frame in enumerate(self._state.spatial)
            if frames[age] is None
        }
        errors = dict.fromkeys(arrays, FEATURE_ERROR)
        self._put(SPATIAL, {"times": times, "frames": frames}, arrays, errors)

    def _slot(self, slot: SlotState) -> None:
        cluster = slot.cluster
        name, of_centroid = slot_name(cluster.id), centroid_name(cluster.id)
        sent = self._held.lagging.get(of_centroid)
        if self._touched(name):
            patches = cluster.centroid.reshape(-1, self._state.header.geometry["channels"])
            if sent is None or not _near(of_centroid, sent, "centroid", patches):
                sent = None
                if not _means(slot):
                    errors = {"centroid": MEAN_ERROR}
                    sent = self._put(of_centroid, {}, {"centroid": patches}, errors)
            times = [cluster.first_s, cluster.mean_s, cluster.last_s]
            candidates = [[kept.frame, kept.distance] for kept in slot.candidates]
            fields = {"weight": cluster.weight, "times": times, "candidates": candidates}
            self._put(name, {**fields, "centroid": sent is not None}, {})
        if sent is not None:
            self._lagging[of_centroid] = sent

    def _frame(self, kept: Candidate) -> None:
        channels = self._state.header.geometry["channels"]
        arrays: dict[str, NDArray[Any]] = {"features": kept.features}
        if not np.may_share_memory(
            kept.features, kept.point
        ):  # one grid: the point is the features
            arrays["point"] = kept.point.reshape(-1, channels)
        errors = dict.fromkeys(arrays, FEATURE_ERROR)
        arrays["thumbnail"] = np.frombuffer(kept.thumbnail, np.uint8)
        fields = {"time_s": kept.time_s, "picture": kept.picture}
        self._put(frame_name(kept.frame), fields, arrays, errors)


def _means(slot: SlotState) -> bool:
    """Whether the mean of the slot's frames, as they are stored, is near enough to its centroid."""
    if not slot.candidates:
        return False
    off = _length(mean_point(slot.candidates) - slot.cluster.centroid)
    lengths = [_length(widened(kept.point)) for kept in slot.candidates]
    stored_off = off + FEATURE_ERROR * sum(lengths) / len(lengths)
    return stored_off <= LAG * _length(slot.cluster.centroid)


def _near(name: str, sent: bytes, key: str, now: NDArray[np.float32]) -> bool:
    """Whether the array that the store has is near enough to the memory's."""
    return _length(unpack(name, sent).arrays[key] - now) <= LAG * _length(now)


def _length(vector: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(vector).sum()))


def _header(header: StateHeader, abstract_rows: int) -> dict[str, Any]:
    fields = {name: getattr(header, name) for name in StateHeader.__dataclass_fields__}
    return {**fields, "abstract_rows": abstract_rows}
