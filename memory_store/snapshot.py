"""The immutable picture of a stream's memory that questions are answered from."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Part(IntEnum):
    """The part of memory a row belongs to.

    STAR (arXiv 2406.08085 §3.2) has all four. Flash memory (arXiv 2506.23825 §3.3) has two: its
    context synthesis memory (CSM) is `TEMPORAL`, its detail augmentation memory (DAM) `RETRIEVED`.
    """

    ABSTRACT = 0
    TEMPORAL = 1
    RETRIEVED = 2
    SPATIAL = 3


def row_bytes(channels: int) -> int:
    """Bytes of one row of a snapshot: features, part, group, time and position."""
    return 2 * channels + 1 + 4 + 8 + 12


@dataclass(frozen=True, slots=True)
class Slots:
    """The temporal slots, in slot order; S of them, S ≤ the configured number.

    ids: int32[S], an identity that a slot keeps as long as it lives.
    weights: int64[S], frames (Flash: steps) merged into the slot; their sum is the `version`.
    first_s, mean_s, last_s: float64[S], Unix seconds of the earliest, mean and latest frame.
    pictures: one tuple a slot with the ids of its candidates' thumbnails, best first; those that
        have none are left out.
    """

    ids: NDArray[np.int32]
    weights: NDArray[np.int64]
    first_s: NDArray[np.float64]
    mean_s: NDArray[np.float64]
    last_s: NDArray[np.float64]
    pictures: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class MemorySnapshot:
    """All that an answer may use of one stream, in the published order of parts.

    features: float16[N, D] patch features: abstract, temporal, retrieved, spatial (STAR), or
        retrieved, temporal (Flash).
    parts: int8[N] the `Part` of each row.
    groups: int32[N] what a row belongs to: the slot's id (temporal, retrieved), the row's own
        number (abstract), or 0 for the newest spatial frame, 1 for the one before, …
    times: float64[N] Unix seconds: mean of the slot (temporal), of the candidate (retrieved), of
        the frame (spatial), as_of (abstract).
    positions: int32[N, 3] positions (t, h, w); for STAR all three are the row's number.
    slots: the temporal slots' table.
    frames_seen: frames observed since the stream was added.
    version: number of observed frames (Flash: steps of two) that led here.
    as_of: Unix time of the newest of them.
    uuid: "{stream}:{epoch}:{version}:{digest}"; equal uuids mean equal rows in all respects.
    fingerprint: of the encoder that made the features.
    """

    stream: str
    epoch: int
    version: int
    as_of: float
    uuid: str
    fingerprint: str
    frames_seen: int
    features: NDArray[np.float16]
    parts: NDArray[np.int8]
    groups: NDArray[np.int32]
    times: NDArray[np.float64]
    positions: NDArray[np.int32]
    slots: Slots

    def nbytes(self) -> int:
        """Bytes of the rows' arrays."""
        return len(self.features) * row_bytes(self.features.shape[1])

    def without_rows(self) -> Self:
        """Which memory it is and its slots' table: some kilobytes of some megabytes."""
        return replace(
            self,
            features=self.features[:0].copy(),
            parts=self.parts[:0].copy(),
            groups=self.groups[:0].copy(),
            times=self.times[:0].copy(),
            positions=self.positions[:0].copy(),
        )
