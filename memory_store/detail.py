"""Which slots are shown in detail: the policies that choose them.

The papers show the heaviest (arXiv 2406.08085 §3.2, 2506.23825 §3.3). A camera that sees an empty
yard for ten hours fills its heaviest slots with the yard, while people ask about the ten seconds
that differ; `docs/memory.md` compares the policies.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Distances = Callable[[], NDArray[np.float64]]
"""Squared distances float64[S, S] between the slots, infinite on the diagonal; made when asked."""

DetailPolicy = Callable[[NDArray[np.int64], Distances], list[int]]
"""Weights int64[S] and distances → all rows, the most deserving first; lower rows first on ties."""

DetailName = Literal["heaviest", "novel", "rare", "balanced"]


def heaviest(weights: NDArray[np.int64], distances: Distances) -> list[int]:
    """What was seen longest (the papers' rule)."""
    return [int(row) for row in np.argsort(-weights, kind="stable")]


def novel(weights: NDArray[np.int64], distances: Distances) -> list[int]:
    """What differs most from everything that was seen longer.

    A slot's novelty is its distance to the nearest heavier slot (δ of density peaks, Rodriguez and
    Laio 2014). The heaviest slot has no such distance: it is what novelty is measured from, and
    comes last.
    """
    return _most(_novelty(weights, distances))


def rare(weights: NDArray[np.int64], distances: Distances) -> list[int]:
    """What differs from everything that was seen longer, and was seen seldom.

    By novelty alone, a car that parks there every day and the noon's light come before the one
    visitor. The squared distance is divided by √w, so that of two slots as far away the rarer
    comes first, and taken by w/(w + 1), since a slot of one frame may differ by that frame's noise
    alone: δ²·√w/(w + 1) in all. The heaviest slot comes last, as in `novel`.
    """
    counts = weights.astype(np.float64)
    return _most(_novelty(weights, distances) * (np.sqrt(counts) / (counts + 1)))


def balanced(weights: NDArray[np.int64], distances: Distances) -> list[int]:
    """By turns what is rare and what is heaviest, the rarest first; each slot once."""
    turns = zip(rare(weights, distances), heaviest(weights, distances), strict=True)
    return list(dict.fromkeys(row for turn in turns for row in turn))


def _novelty(weights: NDArray[np.int64], distances: Distances) -> NDArray[np.float64]:
    """Squared distance float64[S] to the nearest heavier slot, -1 for the heaviest itself.

    Of equally heavy slots the lower row counts as the heavier.
    """
    order = heaviest(weights, distances)
    squared = distances()
    novelty = np.full(len(weights), -1.0)
    for place, row in enumerate(order[1:], 1):
        novelty[row] = squared[row, order[:place]].min()
    return novelty


def _most(scores: NDArray[np.float64]) -> list[int]:
    return [int(row) for row in np.argsort(-scores, kind="stable")]


POLICIES: dict[DetailName, DetailPolicy] = {
    "heaviest": heaviest,
    "novel": novel,
    "rare": rare,
    "balanced": balanced,
}
