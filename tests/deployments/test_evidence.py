"""Which stretches of time are shown with an answer."""

import numpy as np

from flashstream.deployments.evidence import Stretch, evidence_stretches
from flashstream.memory_store.snapshot import Slots


def slots(count: int) -> Slots:
    """Slot i+10 lasts from 10·i to 10·i + 9 s; in an order that is not that of time."""
    order = np.array([2, 0, 1, *range(3, count)])
    return Slots(
        ids=(order + 10).astype(np.int32),
        weights=np.ones(count, dtype=np.int64),
        first_s=order * 10.0,
        mean_s=order * 10.0 + 4,
        last_s=order * 10.0 + 9,
        pictures=tuple((f"p{number}",) for number in order),
    )


def test_neighbours_in_time_are_one_stretch_with_the_best_slot_s_picture() -> None:
    found = evidence_stretches(slots(6), [(11, 0.9), (12, 1.0), (10, 0.85), (15, 0.8), (13, 0.1)])
    assert found == [Stretch(0.0, 29.0, "p2", 1.0), Stretch(50.0, 59.0, "p5", 0.8)]


def test_slots_far_less_relevant_than_the_best_are_left_out() -> None:
    assert evidence_stretches(slots(4), [(10, 0.9), (12, 0.7)]) == [Stretch(0.0, 9.0, "p0", 0.9)]


def test_at_most_three_stretches() -> None:
    ranked = [(slot, 1.0) for slot in (10, 12, 14, 16, 18)]
    assert len(evidence_stretches(slots(9), ranked)) == 3


def test_nothing_relevant_is_no_evidence() -> None:
    assert evidence_stretches(slots(4), []) == []
    assert evidence_stretches(slots(4), [(10, 0.7), (11, 0.7)]) == []
