"""Each baseline against a plain definition of what it is to do."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from flashstream.errors import InvalidRequestError
from flashstream.evals.baselines import (
    FifoWindow,
    OfflineKMeans,
    StreamingKMeans,
    UniformSampling,
)
from flashstream.evals.baselines.lloyd import Measure, by_differences, by_product, lloyd
from flashstream.evals.baselines.offline import plus_plus
from flashstream.evals.summary import Summary

Points = NDArray[np.float32]


def points_of(count: int, width: int, seed: int = 0) -> Points:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def feed(summary: Summary, points: Points) -> None:
    for number, point in enumerate(points):
        summary.add(point, 10.0 * number)


def plain_lloyd(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    times: NDArray[np.float64],
    start: NDArray[np.float64],
    rng: np.random.Generator,
    rounds: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """One point and one cluster at a time, in float64."""
    centroids = start.copy()
    total, mean_s = np.zeros(len(start)), np.zeros(len(start))
    for _ in range(rounds):
        labels = [
            min(range(len(start)), key=lambda s: ((p - centroids[s]) ** 2).sum()) for p in points
        ]
        for slot in range(len(start)):
            mine = [n for n, label in enumerate(labels) if label == slot]
            total[slot] = sum(weights[n] for n in mine)
            if total[slot] == 0:
                drawn = rng.integers(len(points))
                centroids[slot], mean_s[slot] = points[drawn], times[drawn]
            else:
                centroids[slot] = sum(weights[n] * points[n] for n in mine) / total[slot]
                mean_s[slot] = sum(weights[n] * times[n] for n in mine) / total[slot]
    return centroids, total, mean_s


@pytest.mark.parametrize("duplicates", [False, True])
def test_lloyd_is_the_plain_definition(duplicates: bool) -> None:
    points = points_of(30, 5)
    if duplicates:  # equal starting points leave clusters empty, which are then re-seeded
        points[:20] = points[0]
    weights = np.random.default_rng(1).integers(0, 9, 30).astype(np.float64)
    times = np.arange(30, dtype=np.float64)
    expected = plain_lloyd(
        points.astype(np.float64),
        weights,
        times,
        points[:6].astype(np.float64),
        np.random.default_rng(2),
        rounds=7,
    )
    found = lloyd(
        points,
        weights,
        times,
        points[:6].copy(),
        np.random.default_rng(2),
        rounds=7,
        tolerance=None,
    )
    assert found.rounds == 7
    np.testing.assert_allclose(found.centroids, expected[0], atol=1e-5)
    np.testing.assert_allclose(found.weights, expected[1])
    np.testing.assert_allclose(found.times, expected[2])


def test_lloyd_stops_when_settled_and_tells_its_error() -> None:
    points = np.concatenate([points_of(20, 3), points_of(20, 3) + 100])
    ones = np.ones(40)
    found = lloyd(
        points, ones, ones, points[[0, 39]], np.random.default_rng(0), rounds=50, tolerance=1e-4
    )
    assert found.rounds < 5
    middles = np.stack([points[:20].mean(0), points[20:].mean(0)])
    np.testing.assert_allclose(found.centroids, middles, atol=1e-4)
    error = ((points[:20] - middles[0]) ** 2).sum() + ((points[20:] - middles[1]) ** 2).sum()
    assert found.error == pytest.approx(error, rel=1e-3)


@pytest.mark.parametrize("carry", [True, False])
@pytest.mark.parametrize("measure", [by_product, by_differences])
def test_streaming_kmeans_is_the_plain_definition(carry: bool, measure: Measure) -> None:
    slots, points = 4, points_of(40, 6)
    summary = StreamingKMeans(slots, seed=5, carry=carry, settle=False, measure=measure)
    feed(summary, points)
    rng = np.random.default_rng(5)
    centroids = points[:slots].astype(np.float64)
    weights, times = np.ones(slots), 10.0 * np.arange(slots)
    for number in range(slots, len(points)):
        together = np.vstack([centroids, points[number]])
        weighed = np.append(weights, 1.0) if carry else np.ones(slots + 1)
        start = together[rng.permutation(slots + 1)[:slots]]
        centroids, weights, times = (
            each.copy()
            for each in plain_lloyd(
                together, weighed, np.append(times, 10.0 * number), start, rng, rounds=10
            )
        )
    np.testing.assert_allclose(summary.centroids(), centroids, atol=1e-4)
    np.testing.assert_allclose(summary.weights(), weights)
    np.testing.assert_allclose(summary.times(), times)
    assert summary.weights().sum() == (len(points) if carry else slots + 1)
    assert summary.rounds == 10 * summary.steps == 10 * (len(points) - slots)


def test_streaming_kmeans_that_settles_ends_where_ten_rounds_end() -> None:
    points = points_of(60, 8)
    full, settled = (StreamingKMeans(5, seed=3, settle=each) for each in (False, True))
    feed(full, points)
    feed(settled, points)
    assert settled.rounds < full.rounds / 2
    np.testing.assert_allclose(settled.centroids(), full.centroids(), atol=1e-4)
    other = StreamingKMeans(5, seed=4)
    feed(other, points)
    assert not np.allclose(other.centroids(), settled.centroids())


@pytest.mark.parametrize("summary", [StreamingKMeans(6, 0), FifoWindow(6), OfflineKMeans(6, 0)])
def test_fewer_points_than_slots_are_kept_as_they_are(summary: Summary) -> None:
    assert summary.centroids().size == summary.weights().size == summary.times().size == 0
    points = points_of(4, 3)
    feed(summary, points)
    order = summary.times().argsort()
    np.testing.assert_allclose(summary.centroids()[order], points, atol=1e-6)
    np.testing.assert_array_equal(summary.weights(), 1)
    np.testing.assert_array_equal(summary.times()[order], [0, 10, 20, 30])


def test_fifo_keeps_the_newest() -> None:
    points, window = points_of(10, 3), FifoWindow(4)
    feed(window, points)
    assert window.frames() == (7, 8, 9, 10)
    np.testing.assert_array_equal(window.centroids(), points[6:])
    np.testing.assert_array_equal(window.times(), [60, 70, 80, 90])
    np.testing.assert_array_equal(window.weights(), 1)


def test_uniform_sampling_spreads_evenly_from_first_to_last() -> None:
    points, sampling = points_of(101, 3), UniformSampling(5, 101)
    feed(sampling, points)
    assert sampling.frames() == (1, 26, 51, 76, 101)
    np.testing.assert_array_equal(sampling.centroids(), points[::25])
    assert sampling.weights().tolist() == [101 / 5] * 5
    with pytest.raises(InvalidRequestError, match="102 of a history that was to have 101"):
        sampling.add(points[0], 0.0)


def test_uniform_sampling_of_a_short_history_keeps_each_frame_once() -> None:
    sampling = UniformSampling(5, 3)
    feed(sampling, points_of(3, 2))
    assert sampling.frames() == (1, 2, 3)


def test_summaries_do_not_hold_on_to_the_callers_array() -> None:
    for summary in (
        StreamingKMeans(2, 0),
        FifoWindow(2),
        UniformSampling(2, 2),
        OfflineKMeans(2, 0),
    ):
        point = np.ones(3, np.float32)
        summary.add(point, 0.0)
        point[:] = 9
        np.testing.assert_allclose(summary.centroids(), [[1, 1, 1]])


def test_offline_kmeans_finds_the_best_of_all_partitions() -> None:
    points, slots = points_of(8, 12, seed=4), 3

    def error(labels: tuple[int, ...]) -> float:
        groups = [points[np.array(labels) == slot] for slot in set(labels)]
        return float(sum(((group - group.mean(0)) ** 2).sum() for group in groups))

    best = min(product(range(slots), repeat=len(points)), key=error)
    summary = OfflineKMeans(slots, seed=0, tries=20)
    feed(summary, points)
    wanted = {tuple(points[np.array(best) == s].mean(0).round(4).tolist()) for s in set(best)}
    found = summary.centroids()
    assert {tuple(row.round(4).tolist()) for row in found} == wanted
    assert sorted(summary.weights()) == sorted(best.count(s) for s in set(best))
    assert summary.times() @ summary.weights() == pytest.approx(10.0 * np.arange(8).sum())


def test_kmeans_plus_plus_starts_in_every_far_group() -> None:
    groups = np.repeat(np.arange(4), 25)
    points = points_of(100, 3) + (1000 * groups[:, np.newaxis] ** 2).astype(np.float32)
    for seed in range(5):
        chosen = plus_plus(points, 4, np.random.default_rng(seed))
        assert sorted(groups[chosen].tolist()) == [0, 1, 2, 3]


def test_kmeans_plus_plus_of_identical_points_does_not_fail() -> None:
    chosen = plus_plus(np.ones((5, 2), np.float32), 3, np.random.default_rng(0))
    assert len(chosen) == 3
