"""The papers' consolidation as a baseline: streaming k-means, its heaviest slots in detail."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.baselines.by_distances import DistanceKMeans
from flashstream.evals.world.exam.baseline import Baseline, Kept, slot
from flashstream.evals.world.exam.watch import Seen
from flashstream.memory_store.candidates import Candidate
from flashstream.memory_store.half import widened
from flashstream.memory_store.state import SlotState
from flashstream.models.family import ModelFamily

CANDIDATES = 8
"""Frames remembered of each slot, of which the nearest to its centroid is shown."""


class KMeans(Baseline):
    """Streaming k-means with weights carried on (arXiv 2406.08085 §3.2).

    The papers find the frame nearest to a centroid among all frames of the stream, which they
    keep. Here a slot has `CANDIDATES`: those nearest to it of the candidates of the points that
    it is the mean of.
    """

    def __init__(self, family: ModelFamily, stream: str, seed: int) -> None:
        super().__init__(family, stream)
        self._means = DistanceKMeans(self.config.temporal_slots, seed)
        self._spans: list[tuple[float, float]] = []
        self._candidates: list[tuple[Candidate, ...]] = []

    def _take(self, number: int, seen: Seen) -> None:
        point = seen.pooled.at(self.config.temporal_grid).reshape(-1)
        members = self._means.add(point, seen.time_s)
        spans = [*self._spans, (seen.time_s, seen.time_s)]
        candidates = [*self._candidates, (Kept.of(number, seen, self.config).candidate(),)]
        if members is None:
            self._spans, self._candidates = spans, candidates
            return
        self._spans = [
            (min(spans[row][0] for row in rows), max(spans[row][1] for row in rows))
            for rows in members
        ]
        self._candidates = [
            candidates[int(rows[0])]
            if len(rows) == 1
            else self._nearest(slot, [candidates[row] for row in rows])
            for slot, rows in enumerate(members)
        ]

    def _nearest(self, row: int, groups: Sequence[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
        """Of all candidates those nearest to a centroid, nearest first, older on a tie."""
        every = {candidate.frame: candidate for group in groups for candidate in group}
        centroid = self._means.centroid(row)
        measured = [
            replace(candidate, distance=_squared(widened(candidate.point) - centroid))
            for candidate in every.values()
        ]
        measured.sort(key=lambda candidate: (candidate.distance, candidate.frame))
        return tuple(measured[:CANDIDATES])

    def _shown(self) -> tuple[Sequence[SlotState], Sequence[int]]:
        weights, means = np.rint(self._means.weights()).astype(np.int64), self._means.times()
        slots = [
            slot(
                row,
                int(weights[row]),
                (first, float(means[row]), last),
                self._means.centroid(row),
                self._candidates[row],
            )
            for row, (first, last) in enumerate(self._spans)
        ]
        heaviest = np.argsort(-weights, kind="stable")[: self.config.retrieved_slots]
        return slots, heaviest.tolist()


def _squared(vector: NDArray[np.float32]) -> float:
    return float(np.einsum("w,w->", vector, vector))
