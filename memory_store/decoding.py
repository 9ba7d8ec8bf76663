"""From stored records to a memory's state: the reverse of `codec`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import CorruptRecordError
from flashstream.memory_store.candidates import Candidate, mean_point
from flashstream.memory_store.codec import (
    META,
    SPATIAL,
    abstract_name,
    centroid_name,
    frame_name,
    slot_name,
)
from flashstream.memory_store.record import FORMAT, Record, unpack
from flashstream.memory_store.state import MemoryState, SlotState, SpatialFrame, StateHeader
from flashstream.memory_store.ward import ClusterState

T = TypeVar("T")

Sizes = Mapping[str, int]


def old(records: Mapping[str, bytes]) -> bool:
    """Whether a memory was written in a format that is read, but no longer written."""
    return _read(records, META, lambda record: record).format != FORMAT


def decode(records: Mapping[str, bytes]) -> MemoryState:
    """The state that the records hold; see `codec` for how near it is to what was encoded.

    Raises CorruptRecordError, naming the record, if one is missing, altered, of an unknown format
    or not of the format of the others.
    """
    form = _read(records, META, lambda record: record).format
    reader = _Reader if form == FORMAT else _OldReader
    return reader(records, form).state()


class _Reader:
    """Reads records of this format."""

    def __init__(self, records: Mapping[str, bytes], form: int) -> None:
        self._records, self._format = records, form
        self.header = self.read(META, _header)
        self.sizes = self.header.geometry
        self.width = self.sizes["temporal_grid"] ** 2 * self.sizes["channels"]
        self.frames: dict[int, Candidate] = {}

    def state(self) -> MemoryState:
        slots = tuple(self.slot(number) for number in self.header.order)
        if self.header.kind != "star":
            return MemoryState(self.header, slots, self._no_rows(), ())
        return MemoryState(self.header, slots, self.abstract(), self.spatial())

    def read(self, name: str, read: Callable[[Record], T]) -> T:
        def of_one_format(record: Record) -> T:
            if record.format != self._format:
                raise ValueError(f"it is of format {record.format}, the header of {self._format}")
            return read(record)

        return _read(self._records, name, of_one_format)

    def slot(self, number: int) -> SlotState:
        def facts(record: Record) -> tuple[dict[str, Any], list[tuple[int, float]]]:
            first_s, mean_s, last_s = record.fields["times"]
            times = {"first_s": first_s, "mean_s": mean_s, "last_s": last_s}
            own = bool(record.fields["centroid"])
            if not own and not record.fields["candidates"]:
                raise ValueError("it has neither a centroid nor frames")
            return {"weight": record.fields["weight"], **times, "own": own}, [
                (frame, distance) for frame, distance in record.fields["candidates"]
            ]

        known, kept = self.read(slot_name(number), facts)
        candidates = self.candidates(kept)
        centroid = self.centroid(number) if known.pop("own") else mean_point(candidates)
        carry = np.zeros(self.width, np.int16)
        cluster = ClusterState(id=number, centroid=centroid, carry=carry, **known)
        return SlotState(cluster, candidates)

    def centroid(self, number: int) -> NDArray[np.float32]:
        shape = (self.sizes["temporal_grid"] ** 2, self.sizes["channels"])
        patches = self.read(
            centroid_name(number), lambda record: of_shape(record.arrays["centroid"], shape)
        )
        return patches.reshape(-1)

    def candidates(self, kept: list[tuple[int, float]]) -> tuple[Candidate, ...]:
        made = []
        for number, distance in kept:
            made.append(self.read(frame_name(number), self.candidate(number, distance)))
            self.frames[number] = made[-1]
        return tuple(made)

    def candidate(self, number: int, distance: float) -> Callable[[Record], Candidate]:
        side, channels = self.sizes["retrieved_grid"], self.sizes["channels"]

        def read(record: Record) -> Candidate:
            features = of_shape(record.arrays["features"], (side, side, channels))
            point = record.arrays.get("point", features).reshape(-1)
            return Candidate(
                frame=number,
                time_s=record.fields["time_s"],
                distance=distance,
                features=features,
                point=of_shape(point, (self.width,)),
                thumbnail=record.arrays["thumbnail"].tobytes(),
                picture=record.fields["picture"],
            )

        return read

    def abstract(self) -> NDArray[np.float32]:
        rows = self._no_rows()
        count = self.read(META, lambda record: int(record.fields["abstract_rows"]))
        shape = (self.sizes["channels"],)
        stored = [
            self.read(abstract_name(number), lambda record: of_shape(record.arrays["row"], shape))
            for number in range(count)
        ]
        return np.stack(stored) if stored else rows

    def spatial(self) -> tuple[SpatialFrame, ...]:
        side, channels = self.sizes["spatial_grid"], self.sizes["channels"]

        def read(record: Record) -> tuple[SpatialFrame, ...]:
            frames = zip(record.fields["times"], record.fields["frames"], strict=True)
            return tuple(
                SpatialFrame(
                    time_s,
                    of_shape(
                        record.arrays[str(age)] if frame is None else self.frames[frame].features,
                        (side, side, channels),
                    ),
                )
                for age, (time_s, frame) in enumerate(frames)
            )

        return self.read(SPATIAL, read)

    def _no_rows(self) -> NDArray[np.float32]:
        return np.zeros((0, self.sizes["channels"]), np.float32)


class _OldReader(_Reader):
    """Reads format 2, in which a slot's record has its centroid, and nothing is rounded."""

    def slot(self, number: int) -> SlotState:
        def cluster(record: Record) -> tuple[ClusterState, list[tuple[int, float]]]:
            fields = dict(record.fields)
            kept = [(frame, distance) for frame, distance in fields.pop("candidates")]
            centroid, carry = record.arrays["centroid"], record.arrays["carry"]
            fields["centroid"] = of_shape(centroid, (self.width,))
            fields["carry"] = of_shape(carry, (self.width,))
            return ClusterState(**fields), kept

        state, kept = self.read(slot_name(number), cluster)
        return SlotState(state, self.candidates(kept))

    def abstract(self) -> NDArray[np.float32]:
        shape = (-1, self.sizes["channels"])
        return self.read("abstract", lambda record: of_shape(record.arrays["rows"], shape))

    def spatial(self) -> tuple[SpatialFrame, ...]:
        side = self.sizes["spatial_grid"]
        shape = (-1, side, side, self.sizes["channels"])

        def read(record: Record) -> tuple[SpatialFrame, ...]:
            features = of_shape(record.arrays["features"], shape)
            times = record.fields["times"]
            return tuple(SpatialFrame(t, f) for t, f in zip(times, features, strict=True))

        return self.read(SPATIAL, read)


def of_shape(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The array, if it has that shape; -1 takes any length."""
    if len(array.shape) != len(shape) or any(
        want not in (-1, have) for want, have in zip(shape, array.shape, strict=True)
    ):
        raise ValueError(f"an array has shape {array.shape}, not {shape}")
    return array


def _header(record: Record) -> StateHeader:
    fields = {k: v for k, v in record.fields.items() if k != "abstract_rows"}
    missing = {"channels", "temporal_grid", "retrieved_grid"} - fields["geometry"].keys()
    if missing:
        raise ValueError(f"its geometry lacks {', '.join(sorted(missing))}")
    return StateHeader(**{**fields, "order": tuple(fields["order"])})


def _read(records: Mapping[str, bytes], name: str, read: Callable[[Record], T]) -> T:
    if name not in records:
        raise CorruptRecordError(f'stored record "{name}" is missing', record=name)
    try:
        return read(unpack(name, records[name]))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptRecordError(
            f'stored record "{name}" is corrupt: {error}', record=name
        ) from error
