"""STAR memory: all that is remembered of one stream, in bounded space (arXiv 2406.08085, §3.2)."""

from collections import deque
from dataclasses import replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import FingerprintError, MemoryShapeError, NoMemoryYetError, SettingError
from flashstream.memory_store.abstract import AbstractMemory, SemanticAttention
from flashstream.memory_store.candidates import Candidate, Newcomer, nearest, picture_id
from flashstream.memory_store.delta import MemoryDelta
from flashstream.memory_store.pooling import Pyramid
from flashstream.memory_store.publish import publish
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star_config import StarConfig
from flashstream.memory_store.state import MemoryState, SlotState, SpatialFrame, StateHeader
from flashstream.memory_store.ward import WardClusters

__all__ = ["StarConfig", "StarMemory"]


class StarMemory:
    """The memory of one stream: spatial, temporal, abstract and retrieved parts.

    Deterministic: the same frames give the same memory, bit for bit. Work for a frame and bytes
    held do not depend on how many frames came before. Not thread-safe: one owner observes.

    grid, channels: the encoder's G and D. `version` counts the frames observed; `as_of` is the
    Unix time of the newest, None before the first. Raises SettingError if a grid of `config` does
    not divide G, or `attention` is for other channels.
    """

    def __init__(
        self,
        config: StarConfig,
        grid: int,
        channels: int,
        *,
        stream: str,
        epoch: int = 0,
        fingerprint: str = "",
        attention: SemanticAttention | None = None,
    ) -> None:
        for name in ("spatial_grid", "temporal_grid", "retrieved_grid"):
            if grid % getattr(config, name):
                divisors = ", ".join(str(g) for g in range(1, grid + 1) if grid % g == 0)
                raise SettingError(
                    f"{name} = {getattr(config, name)} does not divide the encoder's grid of "
                    f"{grid}; accepted: {divisors}",
                    key=name,
                )
        self.config, self.grid, self.channels = config, grid, channels
        self.stream, self.epoch, self.fingerprint = stream, epoch, fingerprint
        self.version = 0
        self.as_of: float | None = None
        self._clusters = WardClusters(config.temporal_slots, config.temporal_grid**2, channels)
        self._candidates: list[tuple[Candidate, ...]] = []  # by row
        self._abstract = AbstractMemory(
            config.abstract_slots,
            channels,
            config.abstract_rate,
            attention or SemanticAttention(),
        )
        self._spatial: deque[SpatialFrame] = deque(maxlen=config.spatial_frames)
        self._snapshot: MemorySnapshot | None = None

    def geometry(self) -> dict[str, int]:
        """The sizes that stored records depend on."""
        return {**self.config.geometry(), "grid": self.grid, "channels": self.channels}

    def observe(
        self, features: NDArray[np.float16], time_s: float, thumbnail: bytes
    ) -> MemoryDelta:
        """Take in one frame.

        features: float16[G, G, D], finite; they are copied where they are kept.
        time_s: Unix seconds; one before the last frame's counts as the last frame's.
        thumbnail: JPEG, kept only as long as the frame is one of a slot's candidates.
        Raises MemoryShapeError, the memory untouched, if the features or the time are not that.
        """
        pyramid = self._checked(features, time_s)
        config = self.config
        self.version += 1
        time_s = float(time_s) if self.as_of is None else max(float(time_s), self.as_of)
        self.as_of = time_s
        self._snapshot = None
        point = pyramid.at(config.temporal_grid).reshape(-1)

        def keep(distance: float) -> Candidate:
            return Candidate(
                frame=self.version,
                time_s=time_s,
                distance=distance,
                features=pyramid.kept(config.retrieved_grid),
                point=pyramid.kept(config.temporal_grid).reshape(-1),
                thumbnail=bytes(thumbnail),
                picture=picture_id(thumbnail),
            )

        delta = self._consolidate(Newcomer(self.version, point, keep), time_s)
        self._abstract.observe(pyramid.at(1).reshape(-1))
        self._spatial.appendleft(SpatialFrame(time_s, pyramid.kept(config.spatial_grid)))
        return delta

    def snapshot(self) -> MemorySnapshot:
        """What questions are answered from; made once a version, its arrays read-only.

        Raises NoMemoryYetError before the first frame.
        """
        if self.as_of is None:
            raise NoMemoryYetError(f'stream "{self.stream}" has not seen its first frame yet')
        if self._snapshot is None:
            self._snapshot = publish(self.view(), self.as_of, self.config.retrieved_slots)
        return self._snapshot

    def picture(self, picture: str) -> bytes | None:
        """The JPEG of that id, if a slot still remembers it."""
        for candidates in self._candidates:
            for candidate in candidates:
                if candidate.picture == picture:
                    return candidate.thumbnail
        return None

    def view(self) -> MemoryState:
        """The state without a copy: to be read before the next frame, and not written."""
        rows = [self._clusters.state(row) for row in range(self._clusters.used)]
        return MemoryState(
            header=StateHeader(
                stream=self.stream,
                epoch=self.epoch,
                version=self.version,
                as_of=self.as_of,
                fingerprint=self.fingerprint,
                geometry=self.geometry(),
                order=tuple(cluster.id for cluster in rows),
                next_id=self._clusters.next_id,
            ),
            slots=tuple(
                SlotState(cluster, candidates)
                for cluster, candidates in zip(rows, self._candidates, strict=True)
            ),
            abstract=self._abstract.rows,
            spatial=tuple(self._spatial),
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

        Raises FingerprintError if it was written by another model or with other sizes.
        """
        header = state.header
        if header.fingerprint != self.fingerprint:
            raise FingerprintError(
                f'the memory of stream "{self.stream}" was written by model '
                f'"{header.fingerprint}", not by "{self.fingerprint}"'
            )
        wrong = {k: v for k, v in self.geometry().items() if header.geometry.get(k) != v}
        if wrong:
            raise FingerprintError(
                f'the memory of stream "{self.stream}" was written with other sizes: '
                + ", ".join(f"{k} {header.geometry.get(k)}, not {v}" for k, v in wrong.items())
            )
        self.version, self.as_of = header.version, header.as_of
        self._clusters.restore([slot.cluster for slot in state.slots], header.next_id)
        self._candidates = [slot.candidates[: self.config.candidates] for slot in state.slots]
        self._abstract.restore(state.abstract)
        self._spatial.clear()
        self._spatial.extend(state.spatial)
        self._snapshot = None

    def nbytes(self) -> int:
        """Bytes of features, centroids and thumbnails held; bounded by the configured sizes."""
        return (
            self._clusters.nbytes()
            + self._abstract.nbytes()
            + sum(frame.features.nbytes for frame in self._spatial)
            + sum(c.nbytes() for candidates in self._candidates for c in candidates)
        )

    def _checked(self, features: NDArray[np.float16], time_s: float) -> Pyramid:
        shape = (self.grid, self.grid, self.channels)
        if not isinstance(features, np.ndarray) or features.dtype != np.float16:
            kind = getattr(features, "dtype", type(features).__name__)
            raise MemoryShapeError(f"features are {kind}; a float16 array is taken")
        if features.shape != shape:
            raise MemoryShapeError(f"features have shape {features.shape}; {shape} is taken")
        if not isfinite(time_s):
            raise MemoryShapeError(f"the frame's time is {time_s}; finite Unix seconds are taken")
        pyramid = Pyramid(features)
        # float16 sums stay finite in float32: the mean is finite only if every patch is.
        if not np.isfinite(pyramid.at(1)).all():
            bad = "NaN" if np.isnan(features).any() else "infinity"
            raise MemoryShapeError(f"features contain {bad}; finite values are taken")
        return pyramid

    def _consolidate(self, newcomer: Newcomer, time_s: float) -> MemoryDelta:
        """Add the frame to the temporal slots and choose the candidates of those it touched."""
        clusters, limit = self._clusters, self.config.candidates
        step = clusters.add(newcomer.point, time_s)
        before: set[int] = set()
        after: set[int] = set()

        def choose(row: int, old: tuple[Candidate, ...], new: Newcomer | None) -> None:
            chosen = nearest(old, new, lambda points: clusters.distances(points, row), limit)
            self._candidates[row] = chosen
            before.update(c.frame for c in old)
            after.update(c.frame for c in chosen)

        if step.merged is None:
            self._candidates.append(())
            choose(step.home, (), newcomer)
        elif step.merged == step.home:
            choose(step.home, self._candidates[step.home], newcomer)
        else:
            union = self._candidates[step.merged] + self._candidates[step.home]
            choose(step.merged, union, None)
            choose(step.home, (), newcomer)
        touched = {step.home} if step.merged is None else {step.home, step.merged}
        return MemoryDelta(
            version=self.version,
            slots=frozenset(int(clusters.ids[row]) for row in touched),
            slots_removed=frozenset() if step.removed is None else frozenset({step.removed}),
            frames=frozenset(after - before),
            frames_removed=frozenset(before - after),
        )
