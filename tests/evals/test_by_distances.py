import numpy as np
import pytest

from flashstream.evals.baselines import StreamingKMeans
from flashstream.evals.baselines.by_distances import DistanceKMeans, lloyd_by_distances
from flashstream.evals.baselines.lloyd import by_differences, lloyd


def stream(seed: int, frames: int, width: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(5, width)) * 3
    return [
        (places[n // 7 % 5] + rng.normal(size=width) * 0.5).astype(np.float32)
        for n in range(frames)
    ]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_decides_as_streaming_k_means_does(seed: int) -> None:
    slots = 7
    fast = DistanceKMeans(slots, seed)
    plain = StreamingKMeans(slots, seed, measure=by_differences)
    for number, point in enumerate(stream(seed, 400, 24)):
        fast.add(point, float(number))
        plain.add(point, float(number))
        assert (fast.weights() == plain.weights()).all(), number
        np.testing.assert_allclose(fast.centroids(), plain.centroids(), atol=1e-4)
        np.testing.assert_allclose(fast.times(), plain.times(), atol=1e-6)
    assert fast.weights().sum() == 400


def test_clusters_of_no_weight_are_seeded_by_the_same_draws() -> None:
    seeded = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        points = rng.normal(size=(12, 5)).astype(np.float32)
        weights = rng.integers(0, 3, 12).astype(np.float64)  # a third of them weigh nothing
        start = rng.permutation(12)[:8]
        squared = ((points[:, np.newaxis] - points) ** 2).sum(axis=2).astype(np.float64)
        for rounds in (1, 2, 10):
            one, other = np.random.default_rng(9), np.random.default_rng(9)
            fast = lloyd_by_distances(squared, weights, start, one, rounds=rounds, tolerance=1e-4)
            plain = lloyd(
                points,
                weights,
                np.zeros(12),
                points[start],
                other,
                rounds=rounds,
                tolerance=1e-4,
                measure=by_differences,
            )
            assert (fast.weights == plain.weights).all()
            assert fast.count == plain.rounds
            np.testing.assert_allclose(fast.shares @ points, plain.centroids, atol=1e-5)
            np.testing.assert_allclose(fast.shares.sum(axis=1), 1)
            seeded += int((plain.weights == 0).sum())
    assert seeded > 10


def test_equal_frames_lose_no_weight() -> None:
    means = DistanceKMeans(6, 2)
    frames = stream(2, 300, 8)
    for number in range(300):
        means.add(frames[number // 10 * 10], float(number))
    assert means.weights().sum() == 300
    assert (means.weights() == 0).any()  # there were fewer different frames than slots
    assert np.isfinite(means.centroids()).all()
    share = means.weights() / 300
    np.testing.assert_allclose(share @ means.times(), 149.5)


def test_tells_which_points_a_slot_is_made_of() -> None:
    slots = 4
    means = DistanceKMeans(slots, 5)
    frames: list[set[int]] = []
    for number, point in enumerate(stream(5, 120, 8)):
        members = means.add(point, float(number))
        frames.append({number})
        if members is None:
            assert number < slots
            continue
        frames = [set().union(*(frames[row] for row in rows)) for rows in members]
    # Without empty clusters every frame is in one slot, whose weight and time it has a share in.
    assert sorted(number for own in frames for number in own) == list(range(120))
    assert [len(own) for own in frames] == means.weights().tolist()
    np.testing.assert_allclose([np.mean(sorted(own)) for own in frames], means.times())


def test_a_frame_may_be_used_again_by_the_caller() -> None:
    means = DistanceKMeans(3, 0)
    point = np.ones(4, np.float32)
    means.add(point, 0.0)
    point[:] = 7
    assert (means.centroids() == 1).all()
