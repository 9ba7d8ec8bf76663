"""Consolidation against its definition, by brute force."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flashstream.memory_store.means import widened
from flashstream.memory_store.ward import ClusterState, WardClusters
from flashstream.memory_store.weighing import Weighing

Points = NDArray[np.float32]


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, int, int, Points]:
    """(slots, patches, channels, points): coarse values make ties and identical frames common.

    Many patches, and differences that are small beside what all frames have in common, are where
    bounds of distances could mislead.
    """
    slots, channels = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    patches = draw(st.sampled_from([1, 2, 3, 4, 32]))
    count = draw(st.integers(0, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    points = rng.normal(scale=3, size=(count, patches * channels))
    if draw(st.booleans()):
        points = points.round()
    if draw(st.booleans()):
        points[1::2] = points[::2][: len(points[1::2])]
    points += draw(st.sampled_from([0.0, 0.0, 100.0, -1000.0, 60_000.0]))
    return slots, patches, channels, points.astype(np.float16).astype(np.float32)


def exact(clusters: WardClusters) -> NDArray[np.float64]:
    """Centroids with what rounding took from them, float64[S, P·D]."""
    used = clusters.used
    rows = [clusters.state(row) for row in range(used)]
    exactly = [r.centroid.astype(np.float64) + widened(r.carry, r.centroid) for r in rows]
    return np.array(exactly).reshape(used, clusters.patches * clusters.channels)


def rise(a: NDArray[np.float64], wa: float, b: NDArray[np.float64], wb: float) -> float:
    """How much the weighted k-means objective rises when two points share a cluster."""
    mean = (wa * a + wb * b) / (wa + wb)
    return float(wa * ((a - mean) ** 2).sum() + wb * ((b - mean) ** 2).sum())


def copied(clusters: WardClusters) -> list[ClusterState]:
    rows = [clusters.state(row) for row in range(clusters.used)]
    return [
        ClusterState(
            r.id, r.weight, r.first_s, r.mean_s, r.last_s, r.centroid.copy(), r.carry.copy()
        )
        for r in rows
    ]


def same(a: WardClusters, b: WardClusters) -> bool:
    """Equal to the bit in all that the future depends on."""
    used = a.used
    return (
        used == b.used
        and a.next_id == b.next_id
        and np.array_equal(a.ids[:used], b.ids[:used])
        and all(
            getattr(a, name)[:used].tobytes() == getattr(b, name)[:used].tobytes()
            for name in ("centroids", "weights", "first_s", "mean_s", "last_s")
        )
        and all(a.state(r).carry.tobytes() == b.state(r).carry.tobytes() for r in range(used))
        and a.squared_distances().tobytes() == b.squared_distances().tobytes()
    )


@settings(max_examples=150)
@given(
    streams(),
    st.sampled_from([1.0, 0.5, 0.0]),
    st.sampled_from([1.0, 2.5, 16.0]),
    st.sampled_from([math.inf, 3.0]),
)
def test_each_merge_is_the_global_optimum(
    stream: tuple[int, int, int, Points], temper: float, foresight: float, saturation: float
) -> None:
    """Of the weighted k-means objective; 1, 1 and no saturation are the papers' own."""
    slots, patches, channels, points = stream
    clusters = WardClusters(slots, patches, channels, Weighing(temper, foresight, saturation))
    for time_s, point in enumerate(points):
        before = exact(clusters)
        weights = (np.minimum(clusters.weights[: clusters.used], saturation) ** temper).tolist()
        step = clusters.add(point, float(time_s))
        if len(before) < slots:
            assert step.pair is None
            continue
        everything = [
            *zip(before, weights, strict=True),
            (point.astype(np.float64), foresight**temper),
        ]
        rises = {
            (i, j): rise(*everything[i], *everything[j])
            for i, j in combinations(range(slots + 1), 2)
        }
        best = min(rises.values())
        scale = max(1.0, float(np.abs(points).max()) ** 2)
        assert step.pair is not None
        assert rises[step.pair] <= best * (1 + 1e-5) + 1e-9 * scale


@settings(max_examples=80)
@given(streams())
def test_nothing_is_lost_in_merging(stream: tuple[int, int, int, Points]) -> None:
    slots, patches, channels, points = stream
    clusters = WardClusters(slots, patches, channels)
    times = 1.7e9 + 0.25 * np.arange(len(points))
    for time_s, point in zip(times, points, strict=True):
        clusters.add(point, float(time_s))
    used = clusters.used
    weights = clusters.weights[:used]
    assert used == min(slots, len(points))
    assert weights.sum() == len(points)
    total = points.astype(np.float64).sum(axis=0)
    scale = np.abs(points).sum(axis=0) + 1e-30
    assert np.all(np.abs(weights @ clusters.centroids[:used] - total) <= 1e-5 * scale)
    assert weights @ clusters.mean_s[:used] == pytest.approx(times.sum(), rel=1e-13)
    if used:
        assert clusters.first_s[:used].min() == times[0]
        assert clusters.last_s[:used].max() == times[-1]
    assert np.all(clusters.first_s[:used] <= clusters.mean_s[:used] + 1e-6)
    assert np.all(clusters.mean_s[:used] <= clusters.last_s[:used] + 1e-6)
    assert len(set(clusters.ids[:used].tolist())) == used


@settings(max_examples=80)
@given(streams(), st.integers(0, 30))
@example((1, 1, 1, np.arange(5, dtype=np.float32)[:, np.newaxis]), 3)
def test_a_restored_state_has_the_same_future(
    stream: tuple[int, int, int, Points], cut: int
) -> None:
    slots, patches, channels, points = stream
    through = WardClusters(slots, patches, channels)
    for time_s, point in enumerate(points[:cut]):
        through.add(point, float(time_s))
    restored = WardClusters(slots, patches, channels)
    restored.restore(copied(through), through.next_id)
    assert same(through, restored)
    for time_s, point in enumerate(points[cut:], cut):
        assert through.add(point, float(time_s)) == restored.add(point, float(time_s))
    assert same(through, restored)


def test_wide_rows_come_out_to_the_same_bits_when_restored() -> None:
    # As wide as published.
    rng = np.random.default_rng(1)
    through = WardClusters(9, 16, 1280)
    points = rng.normal(size=(30, 16 * 1280)).astype(np.float32)
    for time_s, point in enumerate(points):
        through.add(point, float(time_s))
    restored = WardClusters(9, 16, 1280)
    restored.restore(copied(through), through.next_id)
    assert same(through, restored)
    centroids = through.centroids[:9].astype(np.float64)
    true = ((centroids[:, None] - centroids[None]) ** 2).sum(axis=2)
    np.fill_diagonal(true, np.inf)
    np.testing.assert_allclose(through.squared_distances(), true, rtol=1e-6)


def test_ties_go_to_the_lowest_rows() -> None:
    clusters = WardClusters(4, 1, 1)
    for value in (0.0, 10.0, 20.0, 30.0):
        clusters.add(np.array([value], np.float32), value)
    step = clusters.add(np.array([40.0], np.float32), 40.0)  # every neighbouring pair costs 50
    assert step.pair == (0, 1)
    assert clusters.centroids[:4, 0].tolist() == [5.0, 40.0, 20.0, 30.0]


def test_the_heavier_slot_keeps_its_row_and_id() -> None:
    clusters = WardClusters(3, 1, 1)
    for value in (1.0, 0.0, 50.0, 0.0, 0.0):  # row 1 weighs three
        clusters.add(np.array([value], np.float32), value)
    step = clusters.add(np.array([90.0], np.float32), 9.0)
    assert step.pair == (0, 1)
    assert (step.merged, step.home, step.removed) == (1, 0, 0)
    assert clusters.ids.tolist() == [3, 1, 2]
    assert clusters.weights[:3].tolist() == [1, 4, 1]
    assert clusters.centroids[:3, 0].tolist() == [90.0, 0.25, 50.0]


def test_a_heavy_slot_goes_on_following_the_mean() -> None:
    """A float32 mean of a million frames stands still where its update is below its last bit."""
    clusters = WardClusters(1, 1, 2)
    heavy, more, began = 10_000_000, 6_000, 1.7e9
    values, carries = np.array([1, 1000], np.float32), np.zeros(2, np.int16)
    start = ClusterState(0, heavy, began - 2e6, began - 1e6, began, values, carries)
    clusters.restore([start], 1)
    times = [began + number / 3 for number in range(more)]
    for time_s in times:
        clusters.add(np.array([1.5, 1000.5], np.float32), time_s)
    true = (heavy * np.array([1, 1000.0]) + more * np.array([1.5, 1000.5])) / (heavy + more)
    # Without the carry the second would still be 1000, off by 1e-6.
    assert np.abs(exact(clusters)[0] / true - 1).max() < 1e-8
    # A float64 of today's Unix times ends at 2⁻²² s: n means in a row are off by n·2⁻²³ s at most.
    later = sum(time_s - began for time_s in times)
    mean_s = began + (later - heavy * 1e6) / (heavy + more)
    assert clusters.mean_s[0] == pytest.approx(mean_s, abs=more * 2.0**-23)


def test_many_noisy_frames_keep_their_mean() -> None:
    rng = np.random.default_rng(3)
    clusters = WardClusters(1, 1, 4)
    total = np.zeros(4)
    for block in range(10):
        points = (5 + rng.normal(size=(500, 4))).astype(np.float16).astype(np.float32)
        total += points.sum(axis=0, dtype=np.float64)
        for point in points:
            clusters.add(point, float(block))
    np.testing.assert_allclose(exact(clusters)[0], total / 5_000, rtol=1e-8)
