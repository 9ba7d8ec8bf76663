"""A memory's state as named records, so that a store writes only those that changed.

| record       | holds                                                     | changes        |
| ------------ | --------------------------------------------------------- | -------------- |
| `meta`       | the header: version, times, fingerprint, sizes, slot order | every frame    |
| `slot:<id>`  | a cluster, and which frames it remembers at what distance  | ≤ 2 a frame    |
| `frame:<n>`  | a remembered frame: features, thumbnail, time              | never; it goes |
| `abstract`   | the abstract rows (STAR)                                  | every frame    |
| `spatial`    | the newest frames (STAR)                                  | every frame    |
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import CorruptRecordError
from flashstream.memory_store.candidates import Candidate
from flashstream.memory_store.delta import MemoryDelta
from flashstream.memory_store.record import Record, pack, unpack
from flashstream.memory_store.state import MemoryState, SlotState, SpatialFrame, StateHeader
from flashstream.memory_store.ward import ClusterState

T = TypeVar("T")

META, ABSTRACT, SPATIAL = "meta", "abstract", "spatial"


def slot_name(slot: int) -> str:
    return f"slot:{slot}"


def frame_name(frame: int) -> str:
    return f"frame:{frame}"


def changed(delta: MemoryDelta) -> set[str]:
    """Names of the records that a change makes or alters."""
    names = {META} | {slot_name(s) for s in delta.slots} | {frame_name(f) for f in delta.frames}
    if delta.abstract:
        names.add(ABSTRACT)
    if delta.spatial:
        names.add(SPATIAL)
    return names


def removed(delta: MemoryDelta) -> set[str]:
    """Names of the records that a change makes void."""
    slots = {slot_name(slot) for slot in delta.slots_removed}
    return slots | {frame_name(frame) for frame in delta.frames_removed}


def names(state: MemoryState) -> set[str]:
    """Names of all records of a state."""
    return set(_writers(state))


def encode(state: MemoryState, only: Collection[str] | None = None) -> dict[str, bytes]:
    """The state's records, or those of the names in `only` that it has."""
    return {
        name: pack(name, *write())
        for name, write in _writers(state).items()
        if only is None or name in only
    }


def decode(records: Mapping[str, bytes]) -> MemoryState:
    """The state that `encode` wrote, bit for bit.

    Raises CorruptRecordError, naming the record, if one is missing, altered or of another format.
    """
    header = _read(records, META, _read_header)
    sizes = header.geometry

    def frame(number: int, distance: float) -> Candidate:
        def read(record: Record) -> Candidate:
            return _read_candidate(record, number, distance, sizes)

        return _read(records, frame_name(number), read)

    def slot(record: Record) -> SlotState:
        kept = tuple(frame(number, distance) for number, distance in record.fields["candidates"])
        return SlotState(_read_cluster(record, sizes), kept)

    slots = tuple(_read(records, slot_name(number), slot) for number in header.order)
    if header.kind != "star":
        return MemoryState(header, slots, np.zeros((0, sizes["channels"]), np.float32), ())

    def abstract(record: Record) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = _of_shape(record.arrays["rows"], (-1, sizes["channels"]))
        return rows

    def spatial(record: Record) -> tuple[SpatialFrame, ...]:
        side = sizes["spatial_grid"]
        features = _of_shape(record.arrays["features"], (-1, side, side, sizes["channels"]))
        times = record.fields["times"]
        return tuple(SpatialFrame(t, f) for t, f in zip(times, features, strict=True))

    return MemoryState(
        header=header,
        slots=slots,
        abstract=_read(records, ABSTRACT, abstract),
        spatial=_read(records, SPATIAL, spatial),
    )


_Content = tuple[dict[str, Any], dict[str, NDArray[Any]]]


def _writers(state: MemoryState) -> dict[str, Callable[[], _Content]]:
    """For each record what makes its fields and arrays, so that only those asked for are made."""
    writers: dict[str, Callable[[], _Content]] = {META: partial(_header, state.header)}
    if state.header.kind == "star":
        writers[ABSTRACT] = lambda: ({}, {"rows": state.abstract})
        writers[SPATIAL] = partial(_spatial, state)
    for slot in state.slots:
        writers[slot_name(slot.cluster.id)] = partial(_slot, slot)
        for kept in slot.candidates:
            writers[frame_name(kept.frame)] = partial(_candidate, kept)
    return writers


def _header(header: StateHeader) -> _Content:
    fields = {name: getattr(header, name) for name in StateHeader.__dataclass_fields__}
    return fields, {}


def _spatial(state: MemoryState) -> _Content:
    side, channels = (state.header.geometry[size] for size in ("spatial_grid", "channels"))
    features = np.zeros((len(state.spatial), side, side, channels), np.float16)
    for place, frame in zip(features, state.spatial, strict=True):
        place[...] = frame.features
    return {"times": [frame.time_s for frame in state.spatial]}, {"features": features}


def _slot(slot: SlotState) -> _Content:
    cluster = slot.cluster
    fields = {
        "id": cluster.id,
        "weight": cluster.weight,
        "first_s": cluster.first_s,
        "mean_s": cluster.mean_s,
        "last_s": cluster.last_s,
        "candidates": [[kept.frame, kept.distance] for kept in slot.candidates],
    }
    return fields, {"centroid": cluster.centroid, "carry": cluster.carry}


def _candidate(kept: Candidate) -> _Content:
    arrays: dict[str, NDArray[Any]] = {"features": kept.features}
    if not np.may_share_memory(kept.features, kept.point):  # one grid: the point is the features
        arrays["point"] = kept.point
    arrays["thumbnail"] = np.frombuffer(kept.thumbnail, np.uint8)
    return {"time_s": kept.time_s, "picture": kept.picture}, arrays


def _read_header(record: Record) -> StateHeader:
    fields = record.fields
    missing = {"channels", "temporal_grid", "retrieved_grid"} - fields["geometry"].keys()
    if missing:
        raise ValueError(f"its geometry lacks {', '.join(sorted(missing))}")
    return StateHeader(**{**fields, "order": tuple(fields["order"])})


def _read_cluster(record: Record, sizes: Mapping[str, int]) -> ClusterState:
    fields, arrays = record.fields, record.arrays
    width = (sizes["temporal_grid"] ** 2 * sizes["channels"],)
    return ClusterState(
        id=fields["id"],
        weight=fields["weight"],
        first_s=fields["first_s"],
        mean_s=fields["mean_s"],
        last_s=fields["last_s"],
        centroid=_of_shape(arrays["centroid"], width),
        carry=_of_shape(arrays["carry"], width),
    )


def _read_candidate(
    record: Record, number: int, distance: float, sizes: Mapping[str, int]
) -> Candidate:
    side, channels = sizes["retrieved_grid"], sizes["channels"]
    features = _of_shape(record.arrays["features"], (side, side, channels))
    point = record.arrays.get("point", features.reshape(-1))
    return Candidate(
        frame=number,
        time_s=record.fields["time_s"],
        distance=distance,
        features=features,
        point=_of_shape(point, (sizes["temporal_grid"] ** 2 * channels,)),
        thumbnail=record.arrays["thumbnail"].tobytes(),
        picture=record.fields["picture"],
    )


def _of_shape(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The array, if it has that shape; -1 takes any length."""
    if len(array.shape) != len(shape) or any(
        want not in (-1, have) for want, have in zip(shape, array.shape, strict=True)
    ):
        raise ValueError(f"an array has shape {array.shape}, not {shape}")
    return array


def _read(records: Mapping[str, bytes], name: str, read: Callable[[Record], T]) -> T:
    if name not in records:
        raise CorruptRecordError(f'stored record "{name}" is missing', record=name)
    try:
        return read(unpack(name, records[name]))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptRecordError(
            f'stored record "{name}" is corrupt: {error}', record=name
        ) from error
