"""Bounded retrieval against an unbounded bank: is the frame kept as good as the best ever seen?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.clips import Footage
from flashstream.memory_store.pooling import Pyramid
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import Progress


@dataclass(slots=True)
class Tally:
    """Slots compared, over all checkpoints."""

    kept: float = 0.0  # sum of the distances of kept frames to their centroids
    best: float = 0.0  # the same of the bank's best frames
    exact: int = 0
    slots: int = 0

    def result(self) -> dict[str, float]:
        """ratio: mean distance of the kept over the bank's best, 1 if both are nothing."""
        return {
            "ratio": self.kept / self.best if self.best else 1.0 if not self.kept else np.inf,
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
    bank = bank_of(footage, config)
    return {
        f"m{m}": _compare(
            footage, bank, config.model_copy(update={"candidates": m}), report, checkpoint
        )
        for m in candidates
    }


def bank_of(footage: Footage, config: StarConfig) -> NDArray[np.float16]:
    """float16[N, P·D]: every frame at the temporal grid."""
    grid = config.temporal_grid
    return np.stack([Pyramid(frame).kept(grid).reshape(-1) for frame in footage.features])


def compare(memory: StarMemory, bank: NDArray[np.float16], tally: Tally) -> None:
    """Add every slot of a memory that has seen all frames of `bank` float16[N, P·D] to a tally."""
    seen = bank.astype(np.float32)
    lengths = np.einsum("nw,nw->n", seen, seen)
    for slot in memory.view().slots:
        centroid = slot.cluster.centroid
        # The nearest by a product, then exactly: near frames differ by less than it rounds.
        scores = lengths - 2 * (seen @ centroid)
        likely = np.argsort(scores)[:8]
        exact = np.linalg.norm(seen[likely] - centroid, axis=1)
        nearest = int(np.lexsort((likely, exact))[0])
        kept = slot.candidates[0]
        tally.kept += float(np.linalg.norm(kept.point.astype(np.float32) - centroid))
        tally.best += float(exact[nearest])
        tally.exact += kept.frame == likely[nearest] + 1
        tally.slots += 1


def _compare(
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
