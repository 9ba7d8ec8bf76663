"""Distances computed where they matter, against all of them computed always."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flashstream.memory_store.distances import PairDistances
from flashstream.memory_store.ward import WardClusters
from flashstream.memory_store.weighing import Weighing

Points = NDArray[np.float32]

HALF = np.float32(2.0**-9)
"""Half of the last bit of 60,000 in float32: what is added to it is lost or doubled."""

KINDS = (
    *("noise", "shuffled", "parallel", "huge", "edge", "tiny", "denormal"),
    *("integers", "zeros", "same"),
)


def points_of(kind: str, count: int, patches: int, channels: int, seed: int) -> Points:
    """Made to mislead a bound that is taken from sums over patches; all but two are float16s.

    shuffled: equal sums, other patches. parallel: sums tell all, so that a bound is as great as the
    distance, and many are equal. huge: one far outweighs the differences. edge: the sums
    round apart by much more than the points differ. tiny, denormal: squares underflow.
    integers, zeros, same: ties.
    """
    rng = np.random.default_rng(seed)
    shape = (count, patches, channels)
    points: NDArray[np.float64]
    if kind == "zeros":
        points = np.zeros(shape)
    elif kind == "same":
        points = np.broadcast_to(rng.normal(size=shape[1:]), shape)
    elif kind == "integers":
        points = rng.integers(-2, 3, size=shape).astype(np.float64)
    elif kind == "shuffled":
        one = rng.normal(size=shape[1:]).astype(np.float16)
        points = np.stack([rng.permutation(one) for _ in range(count)]).astype(np.float64)
    elif kind == "parallel":
        points = np.empty(shape)
        points[:] = 0.1 * rng.integers(-4, 5, size=(count, 1, channels))
    elif kind == "huge":
        points = 60_000 + 32 * rng.integers(-2, 3, size=shape).astype(np.float64)
    elif kind == "edge":
        points = np.empty(shape)
        points[:] = HALF * (1 + 2.0**-10 * rng.integers(-3, 4, size=(count, 1, 1)))
        points[:, 0] = 60_000
    elif kind in ("tiny", "denormal"):
        scale = 1e-20 if kind == "tiny" else 2e-23  # whose square is less than half of 2⁻¹⁴⁹
        points = np.empty(shape)
        points[:] = scale * rng.integers(-3, 4, size=(count, 1, channels))
        return points.astype(np.float32).reshape(count, -1)
    else:
        points = rng.normal(size=shape)
    return points.astype(np.float16).astype(np.float32).reshape(count, -1)


def all_distances(points: Points, patches: int, channels: int) -> NDArray[np.float64]:
    """Each pair's, float64[R, R] of float32 numbers, infinite on the diagonal and below it."""
    rows = len(points)
    squared = np.full((rows, rows), np.inf)
    for low in range(rows):
        for high in range(low + 1, rows):
            apart = (points[low] - points[high]).reshape(1, patches, channels)
            squared[low, high] = np.einsum("kpd,kpd->kp", apart, apart).sum(axis=1)[0]
    return squared


def first_least(cost: NDArray[np.float64]) -> tuple[int, int]:
    low, high = divmod(int(cost.argmin()), len(cost))
    return low, high


@st.composite
def pools(draw: st.DrawFn) -> tuple[int, int, Points]:
    """(patches, channels, points) of two kinds, in any order."""
    patches, channels = draw(st.sampled_from([1, 2, 16, 64, 256])), draw(st.integers(1, 5))
    count, seed = draw(st.integers(4, 30)), draw(st.integers(0, 2**32))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2))
    points = np.concatenate([points_of(kind, count, patches, channels, seed) for kind in kinds])
    np.random.default_rng(seed).shuffle(points)
    return patches, channels, points[:count]


@settings(max_examples=100)
@given(pools(), st.integers(2, 7), st.integers(0, 2**32))
def test_the_cheapest_pair_is_the_first_of_the_least_of_all(
    pool: tuple[int, int, Points], rows: int, seed: int
) -> None:
    patches, channels, points = pool
    rng = np.random.default_rng(seed)
    held = points[rng.integers(len(points), size=rows)]
    distances = PairDistances(held, patches, channels)
    for row in range(rows):
        distances.changed(row, rows)
    for point in points:
        scale: NDArray[np.float64] = np.exp2(rng.integers(-3, 4, size=(rows, rows)))
        scale = np.triu(scale) + np.triu(scale, 1).T
        plain = all_distances(held, patches, channels)
        assert distances.cheapest(scale) == first_least(scale * plain)
        row = int(rng.integers(rows))
        held[row] = point
        if rng.integers(2):
            distances.changed(row, rows)
        else:  # what the owner does: the last row is weighed, then takes the place of another
            held[-1] = point
            distances.changed(rows - 1, rows - 1)
            distances.moved(rows - 1, row)
            held[-1] = points[0]
            distances.changed(rows - 1, rows)
    plain = all_distances(held, patches, channels)
    both = np.minimum(plain, plain.T)
    assert np.array_equal(distances.matrix(rows), both)


@settings(max_examples=100)
@given(pools(), st.integers(1, 6), st.sampled_from([1.0, 0.5, 0.0]), st.sampled_from([1.0, 16.0]))
def test_streams_are_consolidated_as_with_all_distances(
    pool: tuple[int, int, Points], slots: int, temper: float, foresight: float
) -> None:
    patches, channels, points = pool
    clusters = WardClusters(slots, patches, channels, Weighing(temper, foresight))
    for number, point in enumerate(points):
        everything = np.concatenate([clusters.centroids[: clusters.used], point[np.newaxis]])
        weights = np.append(clusters.weights[: clusters.used].astype(np.float64), foresight)
        weights **= temper
        scale = np.outer(weights, weights) / np.add.outer(weights, weights)
        step = clusters.add(point, float(number))
        if len(everything) <= slots:
            assert step.pair is None
        else:
            plain = all_distances(everything, patches, channels)
            assert step.pair == first_least(scale * plain)


def test_sums_that_round_apart_do_not_part_what_is_near() -> None:
    """0 and 1 are the nearest pair by far, though their sums are the farthest apart."""
    patches, channels = 64, 2
    near = np.full((2, patches, channels), HALF, np.float32)
    near[0] *= np.float32(1 - 2.0**-10)
    near[1] *= np.float32(1 + 2.0**-10)
    near[:, 0] = 60_000
    far = near[:1].copy()
    far[0, 5] += np.float32(0.01)
    points = np.concatenate([near, far]).reshape(3, -1)
    sums = np.add.reduce(points.reshape(3, patches, channels), axis=1)
    by_sums = ((sums[:, np.newaxis] - sums) ** 2).sum(axis=2) / patches
    true = all_distances(points, patches, channels)
    assert by_sums[0, 1] > 1e5 * true[0, 1]  # what makes it hard
    distances = PairDistances(points, patches, channels)
    for row in range(3):
        distances.changed(row, 3)
    assert distances.cheapest(np.ones((3, 3))) == (0, 1)


@pytest.mark.parametrize("scale", [1e-23, 1e-3, 1.0, 60_000.0])
def test_distances_are_true(scale: float) -> None:
    rng = np.random.default_rng(2)
    points = (scale * rng.uniform(-1, 1, size=(5, 64 * 7))).astype(np.float32)
    distances = PairDistances(points, 64, 7)
    for row in range(5):
        distances.changed(row, 5)
    exact = points.astype(np.float64)
    true = ((exact[:, np.newaxis] - exact) ** 2).sum(axis=2)
    np.fill_diagonal(true, np.inf)
    np.testing.assert_allclose(distances.matrix(5), true, rtol=2e-6, atol=448 * 2.0**-149)
    np.testing.assert_allclose(
        distances.to(points, 2)[[0, 1, 3, 4]], true[2, [0, 1, 3, 4]], rtol=2e-6, atol=1e-42
    )


def test_distances_in_full_are_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The point of the bounds: of some 120 distances that a frame changes, few are computed.

    As in real frames, patches of one scene have something in common.
    """
    rng = np.random.default_rng(4)
    scenes = rng.normal(size=(90, 1, 16)) + 0.5 * rng.normal(size=(90, 64, 16))
    asked = 0
    measure = PairDistances._measure

    def counted(self: PairDistances, low: int, high: int) -> float:
        nonlocal asked
        asked += 1
        return measure(self, low, high)

    monkeypatch.setattr(PairDistances, "_measure", counted)
    clusters = WardClusters(60, 64, 16)
    for number in range(500):
        point = scenes[rng.integers(90)] + 0.3 * rng.normal(size=(64, 16))
        clusters.add(point.astype(np.float32).reshape(-1), float(number))
    assert asked / 440 < 12
