import numpy as np
import pytest

from flashstream.evals.baselines import FifoWindow, StreamingKMeans
from flashstream.evals.compression import BASELINES, errors, over_ours
from flashstream.evals.summary import Summary, WardSummary, squared_error
from flashstream.evals.synthetic import synthetic_footage
from flashstream.memory_store.star_config import StarConfig


def test_errors_are_those_of_each_method_on_the_same_points() -> None:
    points = synthetic_footage(200, 2, 8, seed=1).points(2)
    found = errors(points, 4, 5, lambda *_: None, seeds=(0, 1), tries=2)
    assert set(found) == {"ours", "ours_papers_cost", *BASELINES}
    own = WardSummary(5, 4, 8, StarConfig().weighing)
    plain, fifo = WardSummary(5, 4, 8), FifoWindow(5)
    streaming = [StreamingKMeans(5, seed) for seed in (0, 1)]
    summaries: list[Summary] = [own, plain, fifo, *streaming]
    for number, point in enumerate(points):
        for summary in summaries:
            summary.add(point, float(number))
    assert found["ours"] == squared_error(points, own.centroids())
    assert found["ours_papers_cost"] == squared_error(points, plain.centroids())
    assert found["fifo"] == pytest.approx(squared_error(points, fifo.centroids()), rel=1e-4)
    mean = np.mean([squared_error(points, each.centroids()) for each in streaming])
    assert found["streaming_kmeans"] == pytest.approx(mean, rel=1e-2)
    assert found["offline_kmeans"] < found["uniform"] < found["fifo"]


def test_the_least_favourable_ratio_counts() -> None:
    one = {"ours": 2.0, **dict.fromkeys(BASELINES, 4.0)}
    two = {"ours": 4.0, **dict.fromkeys(BASELINES, 4.0)}
    assert over_ours([one, two]) == dict.fromkeys(BASELINES, 1.0)
