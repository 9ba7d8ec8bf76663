"""Snapshots made of given entries: what training and tests feed through the product's own `pack`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.snapshot import MemorySnapshot, Part, Slots
from flashstream.models.demo.pack import QUADRANTS

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """One temporal slot to be: its 2×2 centroid [4, D], times (Unix seconds) and frames merged."""

    features: Features
    first_s: float
    mean_s: float
    last_s: float
    weight: int


def snapshot_of(
    slots: Sequence[SlotPlan],
    newest: Features,
    as_of: float,
    abstract: Features,
    retrieved: Sequence[tuple[int, Features]],
) -> MemorySnapshot:
    """A snapshot laid out as STAR memory publishes it.

    newest: [4, D] of the last frame; abstract: [A, D];
    retrieved: (row in `slots`, [4, D] of a frame of that slot).
    """
    temporal = [slot.features for slot in slots]
    frames = [features for _, features in retrieved]
    features = np.concatenate([abstract, *temporal, *frames, newest]).astype(np.float16)
    parts = np.repeat(
        np.array([Part.ABSTRACT, Part.TEMPORAL, Part.RETRIEVED, Part.SPATIAL], np.int8),
        [len(abstract), QUADRANTS * len(slots), QUADRANTS * len(frames), QUADRANTS],
    )
    rows = np.repeat([row for row, _ in retrieved], QUADRANTS).astype(np.int32)
    groups = np.concatenate(
        [
            np.arange(len(abstract), dtype=np.int32),
            np.repeat(np.arange(len(slots), dtype=np.int32), QUADRANTS),
            rows,
            np.zeros(QUADRANTS, np.int32),
        ]
    )
    means = np.array([slot.mean_s for slot in slots])
    times = np.concatenate(
        [
            np.full(len(abstract), as_of),
            np.repeat(means, QUADRANTS),
            means[rows],
            np.full(QUADRANTS, as_of),
        ]
    )
    count = len(features)
    return MemorySnapshot(
        stream="synthetic",
        epoch=1,
        version=sum(slot.weight for slot in slots),
        as_of=as_of,
        uuid="synthetic:1:0:0",
        fingerprint="",
        frames_seen=sum(slot.weight for slot in slots),
        features=features,
        parts=parts,
        groups=groups,
        times=times,
        positions=np.repeat(np.arange(count, dtype=np.int32)[:, None], 3, axis=1),
        slots=Slots(
            ids=np.arange(len(slots), dtype=np.int32),
            weights=np.array([slot.weight for slot in slots], np.int64),
            first_s=np.array([slot.first_s for slot in slots]),
            mean_s=means,
            last_s=np.array([slot.last_s for slot in slots]),
            pictures=tuple(() for _ in slots),
        ),
    )
