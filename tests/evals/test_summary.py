import numpy as np
import pytest

from flashstream.errors import MemoryShapeError
from flashstream.evals.summary import WardSummary, rotated, squared_error
from flashstream.memory_store.ward import WardClusters
from flashstream.memory_store.weighing import Weighing


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_squared_error_is_the_plain_definition_wherever_the_points_lie(offset: float) -> None:
    dice = np.random.default_rng(0)
    points = (dice.normal(size=(600, 7)) + offset).astype(np.float32)
    centroids = (dice.normal(size=(9, 7)) + offset).astype(np.float32)
    between = points[:, np.newaxis].astype(np.float64) - centroids
    plain = (between**2).sum(axis=2).min(axis=1).sum()
    assert squared_error(points, centroids) == pytest.approx(plain, rel=1e-5)


def test_squared_error_is_exact_for_near_points_far_from_nought() -> None:
    points = np.full((3, 4), 1000, np.float32)
    points[:, 0] += np.array([0, 0.25, 10], np.float32)
    centroids = points[[0, 2]]
    assert squared_error(points, centroids) == pytest.approx(0.0625)


@pytest.mark.parametrize("shape", [(0, 3), (2, 4)])
def test_no_or_other_centroids_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(MemoryShapeError, match=r"\[S, 3\]"):
        squared_error(np.zeros((5, 3), np.float32), np.zeros(shape, np.float32))


@pytest.mark.parametrize(("count", "width", "kept"), [(20, 300, 20), (50, 6, 6)])
def test_rotation_keeps_every_distance(count: int, width: int, kept: int) -> None:
    points = np.random.default_rng(1).normal(5, 1, (count, width)).astype(np.float32)
    turned = rotated(points)
    assert turned.shape == (count, kept)
    means = [each[:7].mean(axis=0) for each in (points, turned)]
    for one, other in ((points, turned), (points - means[0], turned - means[1])):
        first = np.linalg.norm(one[:, np.newaxis] - one, axis=2)
        second = np.linalg.norm(other[:, np.newaxis] - other, axis=2)
        np.testing.assert_allclose(first, second, atol=1e-3)
    apart = np.linalg.norm(points - means[0], axis=1), np.linalg.norm(turned - means[1], axis=1)
    np.testing.assert_allclose(*apart, atol=1e-3)


def test_ours_is_the_memorys_own_consolidation() -> None:
    points = np.random.default_rng(2).normal(size=(40, 12)).astype(np.float32)
    summary = WardSummary(5, 4, 3, Weighing(0.5, 8.0))
    clusters = WardClusters(5, 4, 3, Weighing(0.5, 8.0))
    for number, point in enumerate(points):
        summary.add(point, float(number))
        clusters.add(point, float(number))
    np.testing.assert_array_equal(summary.centroids(), clusters.centroids[:5])
    np.testing.assert_array_equal(summary.weights(), clusters.weights[:5])
    assert summary.weights().sum() == 40
    assert summary.times() @ summary.weights() == pytest.approx(sum(range(40)))
