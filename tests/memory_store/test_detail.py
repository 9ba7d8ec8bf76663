from typing import NoReturn, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from flashstream.memory_store.detail import (
    POLICIES,
    DetailName,
    DetailPolicy,
    balanced,
    heaviest,
    novel,
    rare,
)
from flashstream.memory_store.slots import TemporalSlots
from flashstream.memory_store.star import StarConfig, StarMemory
from flashstream.memory_store.weighing import Weighing

Weights = NDArray[np.int64]
Matrix = NDArray[np.float64]


def weights(*values: int) -> Weights:
    return np.array(values, np.int64)


def between(*places: float) -> Matrix:
    """Squared distances of points on a line, infinite on the diagonal."""
    line = np.array(places, np.float64)
    squared: Matrix = (line[:, np.newaxis] - line) ** 2
    np.fill_diagonal(squared, np.inf)
    return squared


def unasked() -> NoReturn:
    raise AssertionError("distances were asked for")


def test_heaviest_is_by_weight_alone() -> None:
    assert heaviest(weights(3, 9, 1, 5), unasked) == [1, 3, 0, 2]


def test_novel_is_by_the_distance_to_the_nearest_heavier_slot() -> None:
    # Row 0 is the heaviest. Row 1 is 1 from it, row 2 is 10 from it and 9 from row 1, row 3 is
    # 6 from row 0 and 4 from row 2, which is heavier. Distances to lighter slots do not count.
    assert novel(weights(100, 50, 20, 5), lambda: between(0, 1, 10, 6)) == [2, 3, 1, 0]


def test_novel_does_not_call_a_slot_novel_for_being_far_from_lighter_ones() -> None:
    # Row 2 is nearest to the heaviest, but far from the lightest.
    assert novel(weights(10, 5, 7), lambda: between(0, 100, 1)) == [1, 2, 0]


@pytest.mark.parametrize("policy", [novel, rare])
def test_the_heaviest_slot_comes_last_even_among_equal_slots(policy: DetailPolicy) -> None:
    everywhere = np.full((3, 3), 0.0)
    np.fill_diagonal(everywhere, np.inf)
    assert policy(weights(2, 2, 2), lambda: everywhere) == [1, 2, 0]


def test_rare_prefers_the_seldom_seen_of_two_as_far_away() -> None:
    # Rows 1 and 2 are as far from the heaviest, and further from each other.
    assert rare(weights(1000, 300, 5), lambda: between(0, 4, -4)) == [2, 1, 0]
    assert novel(weights(1000, 300, 5), lambda: between(0, 4, -4)) == [1, 2, 0]


def test_rare_weighs_distance_against_rarity() -> None:
    # δ²·√w/(w + 1): 400·√99/100 = 39.8 against δ²·√8/9 = 0.3143·δ², equal at δ = 11.26.
    assert rare(weights(1000, 99, 8), lambda: between(0, 20, -11.2)) == [1, 2, 0]
    assert rare(weights(1000, 99, 8), lambda: between(0, 20, -11.3)) == [2, 1, 0]


def test_rare_takes_half_of_the_difference_of_a_single_frame_for_noise() -> None:
    # 9·1/2 = 4.5 for the single frame; δ²·2/5 for the four: equal at δ² = 11.25.
    assert rare(weights(50, 1, 4), lambda: between(0, 3, -3.3)) == [1, 2, 0]
    assert rare(weights(50, 1, 4), lambda: between(0, 3, -3.4)) == [2, 1, 0]


def test_rare_counts_distance_to_heavier_slots_only() -> None:
    # Row 1 is next to row 2, which is heavier, and row 2 is far from the heaviest.
    assert rare(weights(100, 5, 6), lambda: between(0, 9, 8)) == [2, 1, 0]


def test_balanced_takes_turns_and_no_slot_twice() -> None:
    matrix = between(0, 1, 10, 6)
    heavy = weights(100, 50, 20, 5)
    assert heaviest(heavy, unasked) == [0, 1, 2, 3]
    assert rare(heavy, lambda: matrix) == [2, 3, 1, 0]
    assert balanced(heavy, lambda: matrix) == [2, 0, 3, 1]


def test_balanced_goes_on_where_a_slot_had_its_turn() -> None:
    # Rare 1 2 0, heaviest 0 1 2: the second turn adds only 2, the third nothing.
    assert balanced(weights(9, 8, 7), lambda: between(0, 5, 2)) == [1, 0, 2]


@pytest.mark.parametrize("name", list(POLICIES))
def test_ties_go_to_the_lower_row(name: DetailName) -> None:
    equal = np.full((4, 4), 3.0)
    np.fill_diagonal(equal, np.inf)
    order = POLICIES[name](weights(5, 5, 5, 5), lambda: equal)
    if name == "heaviest":
        assert order == [0, 1, 2, 3]
    elif name == "balanced":
        assert order == [1, 0, 2, 3]
    else:  # the heaviest is the one that novelty is measured from
        assert order == [1, 2, 3, 0]


@pytest.mark.parametrize("name", list(POLICIES))
def test_one_slot_is_chosen_without_a_distance_to_another(name: DetailName) -> None:
    alone = np.full((1, 1), np.inf)
    assert POLICIES[name](weights(7), lambda: alone) == [0]


@pytest.mark.parametrize("name", list(POLICIES))
def test_each_row_is_named_once_and_always_in_the_same_order(name: DetailName) -> None:
    dice = np.random.default_rng(3)
    for count in (2, 5, 25, 60):
        heavy = dice.integers(1, 6, count)
        matrix = between(*dice.normal(size=count).round(1))
        before = (heavy.copy(), matrix.copy())
        order = POLICIES[name](heavy, lambda matrix=matrix: matrix)  # type: ignore[misc]
        assert sorted(order) == list(range(count))
        assert all(type(row) is int for row in order)
        again = POLICIES[name](heavy, lambda matrix=matrix: matrix)  # type: ignore[misc]
        assert order == again
        assert np.array_equal(heavy, before[0])
        assert np.array_equal(matrix, before[1])


def test_every_name_that_the_settings_take_is_a_policy() -> None:
    assert set(get_args(DetailName)) == set(POLICIES)


def still_camera(policy: DetailName, retrieved: int) -> StarMemory:
    """An empty yard, then two frames of something else, then the yard again."""
    config = StarConfig(
        temporal_slots=3,
        temporal_grid=2,
        spatial_grid=2,
        retrieved_grid=2,
        retrieved_slots=retrieved,
        abstract_slots=1,
        detail=policy,
    )
    memory = StarMemory(config, 2, 3, stream="yard")
    dice = np.random.default_rng(11)
    for second in range(60):
        frame = dice.normal(0, 0.01, (2, 2, 3))
        frame[0, 0] += 5 * (30 <= second < 32)
        memory.observe(frame.astype(np.float16), float(second), b"")
    return memory


def shown_at(memory: StarMemory) -> set[float]:
    snapshot = memory.snapshot()
    return set(snapshot.times[snapshot.parts == 2].tolist())


@pytest.mark.parametrize(
    ("policy", "seen"),
    [("heaviest", False), ("novel", True), ("rare", True), ("balanced", True)],
)
def test_the_policy_of_the_settings_chooses_the_frame_that_is_shown(
    policy: DetailName, seen: bool
) -> None:
    assert (len(shown_at(still_camera(policy, 1)) & {30.0, 31.0}) == 1) is seen


@pytest.mark.parametrize("policy", list(POLICIES))
def test_all_slots_are_shown_if_there_are_fewer_than_asked_for(policy: DetailName) -> None:
    slots = TemporalSlots(3, 4, 3, candidates=1, weighing=Weighing())
    assert slots.detailed(policy, 5) == []
    assert len(shown_at(still_camera(policy, 8))) == 3
