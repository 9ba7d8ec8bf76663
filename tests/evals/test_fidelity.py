import numpy as np
import pytest

from flashstream.evals.clips import Footage
from flashstream.evals.fidelity import Tally, compare, fidelity
from flashstream.evals.synthetic import synthetic_footage
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig

CONFIG = StarConfig(
    spatial_grid=2, temporal_slots=4, temporal_grid=2, abstract_slots=2, retrieved_grid=2
)


@pytest.fixture
def footage() -> Footage:
    return synthetic_footage(150, 4, 6, seed=2)


def watched(footage: Footage, candidates: int) -> StarMemory:
    config = CONFIG.model_copy(update={"candidates": candidates})
    memory = StarMemory(config, 4, 6, stream="test")
    for number, frame in enumerate(footage.features):
        memory.observe(frame, float(number), b"")
    return memory


def bank_of(footage: Footage) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    return footage.points(2).astype(np.float16)


def test_kept_and_best_are_the_plain_definition(footage: Footage) -> None:
    memory, bank, tally = watched(footage, 1), bank_of(footage), Tally()
    compare(memory, bank, tally)
    kept = best = exact = 0.0
    for slot in memory.view().slots:
        apart = [
            float(np.linalg.norm(frame.astype(np.float64) - slot.cluster.centroid))
            for frame in bank
        ]
        kept += apart[slot.candidates[0].frame - 1]
        best += min(apart)
        exact += int(np.argmin(apart)) == slot.candidates[0].frame - 1
    assert tally.slots == 4
    assert tally.kept == pytest.approx(kept, rel=1e-4)
    assert tally.best == pytest.approx(best, rel=1e-4)
    assert tally.exact == exact
    assert tally.result()["ratio"] == pytest.approx(kept / best, rel=1e-4)


def test_a_frame_that_is_not_the_best_is_found_out(footage: Footage) -> None:
    memory, bank, tally = watched(footage, 2), bank_of(footage), Tally()
    bank[11] = memory.view().slots[2].cluster.centroid  # better than any that was kept
    compare(memory, bank, tally)
    assert tally.result()["ratio"] > 1.05
    assert tally.exact < tally.slots


def test_every_checkpoint_and_the_end_count(footage: Footage) -> None:
    found = fidelity(footage, CONFIG, lambda *_: None, candidates=(1, 16), checkpoint=60)
    assert found["m1"]["slots"] == found["m16"]["slots"] == 3 * 4  # at 60, 120 and 150
    assert 1 <= found["m16"]["ratio"] <= found["m1"]["ratio"]
    assert found["m1"]["exact_share"] <= found["m16"]["exact_share"] <= 1


def test_keeping_all_frames_is_keeping_the_best() -> None:
    footage = synthetic_footage(16, 4, 6, seed=2)
    found = fidelity(footage, CONFIG, lambda *_: None, candidates=(16,), checkpoint=4)["m16"]
    assert found["ratio"] == pytest.approx(1, abs=0.02)


def test_nothing_over_nothing_is_one_and_something_over_nothing_is_not() -> None:
    assert Tally(kept=0.0, best=0.0, slots=1).result()["ratio"] == 1
    assert Tally(kept=0.1, best=0.0, slots=1).result()["ratio"] > 1e9
