"""What both kinds of memory share: identity, versions, snapshots, state, the byte budget."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from typing import ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import FingerprintError, MemoryShapeError, NoMemoryYetError
from flashstream.memory_store.candidates import Candidate, Newcomer, picture_id
from flashstream.memory_store.delta import MemoryDelta
from flashstream.memory_store.half import finite
from flashstream.memory_store.pooling import Pyramid
from flashstream.memory_store.slot_config import SlotConfig
from flashstream.memory_store.slots import TemporalSlots
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.state import MemoryState, SlotState, SpatialFrame, StateHeader
from flashstream.video.picture import shrunk

Seen = TypeVar("Seen")
"""What a memory takes in at a time."""


class StreamMemory(ABC, Generic[Seen]):
    """The memory of one stream, in bounded space.

    Deterministic: the same frames give the same memory, bit for bit. Work for a frame and bytes
    held do not depend on how many frames came before. Not thread-safe: one owner observes.

    `version` counts what was observed; `as_of` is the Unix time of the newest, None before the
    first.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        config: SlotConfig,
        slots: int,
        patches: int,
        channels: int,
        *,
        stream: str,
        epoch: int,
        fingerprint: str,
    ) -> None:
        """slots: of `patches` × `channels`, chosen and weighed as `config` says."""
        self.channels = channels
        self.stream, self.epoch, self.fingerprint = stream, epoch, fingerprint
        self.version = 0
        self.as_of: float | None = None
        self._slots = TemporalSlots(
            slots, patches, channels, candidates=config.candidates, weighing=config.weighing
        )
        self._thumbnail_bytes = config.thumbnail_bytes
        self._snapshot: MemorySnapshot | None = None

    @abstractmethod
    def observe(self, features: Seen, time_s: float, thumbnail: bytes) -> MemoryDelta:
        """Take in one frame, or one step of two.

        time_s: Unix seconds; one before the last frame's counts as the last frame's.
        thumbnail: JPEG, kept only as long as the frame is one of a slot's candidates.
        Raises MemoryShapeError, the memory untouched, if something is not what is taken.
        """

    @abstractmethod
    def geometry(self) -> dict[str, int]:
        """The sizes that stored records depend on."""

    @abstractmethod
    def budget(self) -> int:
        """Bytes that this memory never exceeds."""

    def nbytes(self) -> int:
        """Bytes of features, centroids, thumbnails and the newest snapshot; at most `budget`."""
        snapshot = 0 if self._snapshot is None else self._snapshot.nbytes()
        return self._slots.nbytes() + snapshot

    @abstractmethod
    def _publish(self, as_of: float) -> MemorySnapshot:
        """The snapshot of what is remembered now."""

    def _abstract_rows(self) -> NDArray[np.float32]:
        """float32[A, D]: a view, valid until the next frame; none where there is no such part."""
        return np.zeros((0, self.channels), np.float32)

    def _spatial_frames(self) -> tuple[SpatialFrame, ...]:
        """The newest frames, newest first; none where there is no such part."""
        return ()

    def _restore_parts(self, state: MemoryState) -> None:
        """Restore what there is besides the temporal slots."""
        return

    def snapshot(self) -> MemorySnapshot:
        """What questions are answered from; made once a version, its arrays read-only.

        Raises NoMemoryYetError before the first frame.
        """
        if self.as_of is None:
            raise NoMemoryYetError(f'stream "{self.stream}" has not seen its first frame yet')
        if self._snapshot is None:
            self._snapshot = self._publish(self.as_of)
        return self._snapshot

    def picture(self, picture: str) -> bytes | None:
        """The JPEG of that id, if a slot still remembers it."""
        return self._slots.picture(picture)

    def view(self) -> MemoryState:
        """The state without a copy: to be read before the next frame, and not written."""
        slots = self._slots.view()
        return MemoryState(
            header=StateHeader(
                kind=self.kind,
                stream=self.stream,
                epoch=self.epoch,
                version=self.version,
                as_of=self.as_of,
                fingerprint=self.fingerprint,
                geometry=self.geometry(),
                order=tuple(slot.cluster.id for slot in slots),
                next_id=self._slots.next_id,
            ),
            slots=slots,
            abstract=self._abstract_rows(),
            spatial=self._spatial_frames(),
        )

    def state(self) -> MemoryState:
        """The state as a copy of its own."""
        view = self.view()
        return replace(
            view,
            slots=tuple(
                replace(
                    slot,
                    cluster=replace(
                        slot.cluster,
                        centroid=slot.cluster.centroid.copy(),
                        carry=slot.cluster.carry.copy(),
                    ),
                )
                for slot in view.slots
            ),
            abstract=view.abstract.copy(),
        )

    def restore(self, state: MemoryState) -> None:
        """Become the memory that `state` was taken of; stream and epoch stay this one's.

        Thumbnails larger than this memory takes are made smaller, or left out where that cannot be.
        Raises FingerprintError if it is of another encoder, kind or size.
        """
        header = state.header
        if header.fingerprint != self.fingerprint:
            raise FingerprintError(
                f'the memory of stream "{self.stream}" was written by model '
                f'"{header.fingerprint}", not by "{self.fingerprint}"'
            )
        if header.kind != self.kind:
            raise FingerprintError(
                f'the memory of stream "{self.stream}" is of kind "{header.kind}", '
                f'not "{self.kind}"'
            )
        wrong = {k: v for k, v in self.geometry().items() if header.geometry.get(k) != v}
        if wrong:
            raise FingerprintError(
                f'the memory of stream "{self.stream}" was written with other sizes: '
                + ", ".join(f"{k} {header.geometry.get(k)}, not {v}" for k, v in wrong.items())
            )
        self.version, self.as_of = header.version, header.as_of
        self._slots.restore([self._fitting(slot) for slot in state.slots], header.next_id)
        self._restore_parts(state)
        self._snapshot = None

    def _fitting(self, slot: SlotState) -> SlotState:
        """The slot with thumbnails of no more bytes than are taken."""

        def fitting(kept: Candidate) -> Candidate:
            jpeg = shrunk(kept.thumbnail, self._thumbnail_bytes) or b""
            if jpeg == kept.thumbnail:
                return kept
            return replace(kept, thumbnail=jpeg, picture=picture_id(jpeg))

        return replace(slot, candidates=tuple(fitting(kept) for kept in slot.candidates))

    def _taken(
        self, name: str, features: NDArray[np.float16], shape: tuple[int, int, int]
    ) -> Pyramid:
        """The features, checked; raises MemoryShapeError if they are not finite float16[shape]."""
        if not isinstance(features, np.ndarray) or features.dtype != np.float16:
            kind = getattr(features, "dtype", type(features).__name__)
            raise MemoryShapeError(f"{name} are {kind}; a float16 array is taken")
        if features.shape != shape:
            raise MemoryShapeError(f"{name} have shape {features.shape}; {shape} is taken")
        if not finite(features):
            bad = "NaN" if np.isnan(features).any() else "infinity"
            raise MemoryShapeError(f"{name} contain {bad}; finite values are taken")
        return Pyramid(features)

    def _begin(self, time_s: float, thumbnail: bytes) -> float:
        """A new version, once all is checked; returns its time, never before the last one's."""
        if not isfinite(time_s):
            raise MemoryShapeError(f"the frame's time is {time_s}; finite Unix seconds are taken")
        if len(thumbnail) > self._thumbnail_bytes:
            raise MemoryShapeError(
                f"the thumbnail has {len(thumbnail)} bytes; at most {self._thumbnail_bytes} "
                "(thumbnail_bytes) are taken"
            )
        self.version += 1
        self._snapshot = None
        time_s = float(time_s) if self.as_of is None else max(float(time_s), self.as_of)
        self.as_of = time_s
        return time_s

    def _consolidate(
        self,
        point: NDArray[np.float32],
        point_kept: Callable[[], NDArray[np.float16]],
        detail_kept: Callable[[], NDArray[np.float16]],
        time_s: float,
        thumbnail: bytes,
    ) -> MemoryDelta:
        """Add the newest frame to the slots.

        point: float32[P·D]; what may have to be kept of it, at both grids, is made only then.
        """

        def keep(distance: float) -> Candidate:
            return Candidate(
                frame=self.version,
                time_s=time_s,
                distance=distance,
                features=detail_kept(),
                point=point_kept().reshape(-1),
                thumbnail=bytes(thumbnail),
                picture=picture_id(thumbnail),
            )

        return self._slots.observe(Newcomer(self.version, point, keep), time_s)
