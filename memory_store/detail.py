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

DetailName = Literal["heaviest", "novel", "balanced"]


def heaviest(weights: NDArray[np.int64], distances: Distances) -> list[int]:
    """What was seen longest (the papers' rule)."""
    return [int(row) for row in np.argsort(-weights, kind="stable")]


def novel(weights: NDArray[np.int64], distances: Distances) -> list[int]:
    """What differs most from everything that was seen longer.

    A slot's novelty is its distance to the nearest heavier slot (δ of density peaks, Rodriguez and
    Laio 2014). The heaviest slot has no such distance: it is what novelty is measured from, and
    comes last.
    """
    order = heaviest(weights, distances)
    squared = distances()
    novelty = np.full(len(weights), -1.0)
    for place, row in enumerate(order[1:], 1):
        novelty[row] = squared[row, order[:place]].min()
    return [int(row) for row in np.argsort(-novelty, kind="stable")]


def balanced(weights: NDArray[np.int64], distances: Distances) -> list[int]:
    """By turns the heaviest and the most novel that is not yet among them."""
    turns = zip(heaviest(weights, distances), novel(weights, distances), strict=True)
    return list(dict.fromkeys(row for turn in turns for row in turn))


POLICIES: dict[DetailName, DetailPolicy] = {
    "heaviest": heaviest,
    "novel": novel,
    "balanced": balanced,
}
