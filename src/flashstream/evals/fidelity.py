"""Bounded retrieval against an unbounded bank: is the frame kept as good as the best ever seen?"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.clips import Footage
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import Progress

_LIKELY = 8


@dataclass(slots=True)
class Tally:
    """Slots compared, over all checkpoints."""

    kept: float = 0.0  # sum of the distances of kept frames to their centroids
    best: float = 0.0  # the same of the bank's best frames
    exact: int = 0
    slots: int = 0

    def result(self) -> dict[str, float]:
        """ratio: mean distance of the kept over the bank's best; 1 where both are nothing."""
        nothing = inf if self.kept else 1.0
        return {
            "ratio": self.kept / self.best if self.best else nothing,
            "exact_share": self.exact / max(1, self.slots),
            "slots": self.slots,
        }


def fidelity(
    footage: Footage,
    config: StarConfig,
    report: Progress,
    *,
    candidates: Sequence[int] = (1, 2, 4),
    checkpoint: int = 100,
) -> dict[str, dict[str, Any]]:
    """Compare at each `checkpoint`-th frame, and at the end, every slot's best kept frame with
    the frame nearest to its centroid among all frames seen up to then.

    Returns {"m1": {"ratio", "exact_share", "slots"}, …} by the number of candidates of a slot.
    Distances are Euclidean, at the temporal grid, of frames in float16 as they are kept.
    """
    bank = footage.points(config.temporal_grid).astype(np.float16)
    return {
        f"m{m}": _follow(
            footage, bank, config.model_copy(update={"candidates": m}), report, checkpoint
        )
        for m in candidates
    }


def compare(memory: StarMemory, bank: NDArray[np.float16], tally: Tally) -> None:
    """Add every slot of a memory that has seen all frames of `bank` float16[N, P·D] to a tally."""
    slots = memory.view().slots
    seen = bank.astype(np.float32)
    centroids = np.stack([slot.cluster.centroid for slot in slots])
    scores = seen @ centroids.T
    scores *= -2
    scores += np.einsum("nw,nw->n", seen, seen)[:, np.newaxis]
    for slot, column in zip(slots, scores.T, strict=True):
        centroid = slot.cluster.centroid
        # Near frames differ by less than a product rounds: the likely ones are measured exactly.
        likely = np.sort(np.argsort(column)[:_LIKELY])
        exact = np.linalg.norm(seen[likely] - centroid, axis=1)
        nearest = int(exact.argmin())
        kept = slot.candidates[0]
        tally.kept += float(np.linalg.norm(kept.point.astype(np.float32) - centroid))
        tally.best += float(exact[nearest])
        tally.exact += int(kept.frame == likely[nearest] + 1)
        tally.slots += 1


def _follow(
    footage: Footage,
    bank: NDArray[np.float16],
    config: StarConfig,
    report: Progress,
    checkpoint: int,
) -> dict[str, Any]:
    _, grid, _, channels = footage.features.shape
    memory = StarMemory(config, grid, channels, stream="fidelity")
    tally = Tally()
    step = f"kept frames, {config.candidates} a slot"
    for number, frame in enumerate(footage.features, start=1):
        memory.observe(frame, float(number), b"")
        if number % checkpoint == 0 or number == len(footage):
            compare(memory, bank[:number], tally)
            report(step, number / len(footage))
    return tally.result()
