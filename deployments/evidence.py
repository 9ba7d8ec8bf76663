"""From relevant slots to the few stretches of time that are shown with an answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flashstream.memory_store.snapshot import Slots

MOST = 3
LEAST = 0.75  # relevance; below it a picture would not show what the answer says
NEARLY_AS_GOOD = 0.8  # of the most relevant slot's relevance


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots that follow each other in time. Unix seconds; the most relevant slot's best picture."""

    start_s: float
    end_s: float
    picture: str
    relevance: float


def evidence_stretches(slots: Slots, ranked: Sequence[tuple[int, float]]) -> list[Stretch]:
    """At most `MOST` stretches, the most relevant first.

    ranked: (slot id, relevance), as a `Grounder` gives them. Slots nearly as relevant as the best
    are taken; those next to each other in time are one stretch, since consolidation cuts a lasting
    scene into several slots. None are relevant to "no": nothing is shown then.
    """
    relevance = dict(ranked)
    best = max(relevance.values(), default=0.0)
    if best < LEAST:
        return []
    runs: list[list[int]] = []
    last_taken = False
    for row in np.argsort(slots.mean_s, kind="stable"):
        taken = relevance.get(int(slots.ids[row]), 0.0) >= NEARLY_AS_GOOD * best
        if taken and last_taken:
            runs[-1].append(int(row))
        elif taken:
            runs.append([int(row)])
        last_taken = taken
    stretches = [_stretch(slots, rows, relevance) for rows in runs]
    return sorted(stretches, key=lambda stretch: -stretch.relevance)[:MOST]


def _stretch(slots: Slots, rows: list[int], relevance: dict[int, float]) -> Stretch:
    best = max(rows, key=lambda row: relevance[int(slots.ids[row])])
    pictures = slots.pictures[best]
    return Stretch(
        start_s=float(min(slots.first_s[row] for row in rows)),
        end_s=float(max(slots.last_s[row] for row in rows)),
        picture=pictures[0] if pictures else "",
        relevance=relevance[int(slots.ids[best])],
    )
