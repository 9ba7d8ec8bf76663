"""Bounded retrieval: the few remembered frames of each temporal slot."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.half import widened


@dataclass(frozen=True, slots=True)
class Candidate:
    """A remembered frame.

    frame: its number in the stream, from 1; never used twice.
    distance: squared distance to the slot's centroid when the slot last changed.
    features: float16[r, r, D] at the retrieved grid; point: float16[P·D] at the temporal grid.
    thumbnail: JPEG; picture: its id, a short digest of it.
    """

    frame: int
    time_s: float
    distance: float
    features: NDArray[np.float16]
    point: NDArray[np.float16]
    thumbnail: bytes
    picture: str

    def nbytes(self) -> int:
        shared = np.may_share_memory(self.features, self.point)
        return self.features.nbytes + (0 if shared else self.point.nbytes) + len(self.thumbnail)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The newest frame, weighed before it is decided whether to keep anything of it.

    point: float32[P·D]; keep: makes the candidate, given its distance.
    """

    frame: int
    point: NDArray[np.float32]
    keep: Callable[[float], Candidate]


def picture_id(thumbnail: bytes) -> str:
    """Sixteen hex digits; equal pictures have equal ids."""
    return blake2b(thumbnail, digest_size=8).hexdigest()


def mean_point(candidates: Collection[Candidate]) -> NDArray[np.float32]:
    """float32[P·D]: the centroid of a slot that has seen only the frames it remembers."""
    points = widened(np.stack([kept.point for kept in candidates]))
    mean: NDArray[np.float32] = points.mean(axis=0)
    return mean


def nearest(
    candidates: Sequence[Candidate],
    newcomer: Newcomer | None,
    distances: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    limit: int,
) -> tuple[Candidate, ...]:
    """The `limit` frames nearest to a centroid that has changed, nearest first, older on a tie.

    distances: float32[B, P·D] → squared distances float32[B] to the centroid.
    """
    ranked: list[tuple[float, int, Candidate | None]] = []
    if candidates:
        points = widened(np.stack([c.point for c in candidates]))
        ranked = [
            (float(d), c.frame, c) for d, c in zip(distances(points), candidates, strict=True)
        ]
    if newcomer is not None:
        ranked.append((float(distances(newcomer.point[np.newaxis])[0]), newcomer.frame, None))
    ranked.sort(key=lambda entry: entry[:2])
    chosen = []
    for distance, _, candidate in ranked[:limit]:
        if candidate is not None:
            chosen.append(replace(candidate, distance=distance))
        elif newcomer is not None:
            chosen.append(newcomer.keep(distance))
    return tuple(chosen)
