"""The committed measurements of the memory hold what the documentation claims of them."""

import json
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture(scope="module")
def memory() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / "memory.json").read_text())
    return found


def test_consolidation_is_faster_than_the_papers(memory: dict[str, Any]) -> None:
    assert memory["star"]["speedup_vs_streaming_kmeans"] >= 50
    assert memory["flash"]["speedup_vs_streaming_kmeans"] >= 20


@pytest.mark.parametrize(
    ("baseline", "least"),
    [("streaming_kmeans", 2), ("uniform", 1.5), ("fifo", 3), ("offline_kmeans", 0.95)],
)
def test_less_is_lost_than_by_a_baseline(
    memory: dict[str, Any], baseline: str, least: float
) -> None:
    assert memory["sse_over_ours"][baseline] >= least
    for k in memory["sse"]["every_1"].values():
        assert k[baseline] / k["ours"] >= least


def test_a_stream_does_not_age(memory: dict[str, Any]) -> None:
    assert memory["age"]["frames"] == 1_000_000
    assert memory["flatness"] <= 1.05
    assert memory["rss_growth_bytes"] <= 2**20
    for kind, held in memory["bytes_per_stream"].items():
        assert held <= memory["bytes_per_stream_budget"][kind]


@pytest.mark.parametrize("kept", ["m1", "m2", "m4"])
def test_a_bounded_bank_is_nearly_as_good(memory: dict[str, Any], kept: str) -> None:
    assert memory["fidelity"][kept]["ratio"] <= 1.10


@pytest.fixture(scope="module")
def commits() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / "commits.json").read_text())
    return found


def test_a_camera_writes_little(commits: dict[str, Any]) -> None:
    by_interval = commits["by_interval_s"]
    assert by_interval["60"]["bytes_per_hour"] <= 2_097_152
    for found in by_interval.values():
        assert found["saved"] >= 10
        assert found["stored_bytes"] * 8 <= found["stored_bytes_plain"]


def test_a_camera_takes_the_same_space_in_the_store_however_it_is_written(
    commits: dict[str, Any],
) -> None:
    stored = [found["stored_bytes"] for found in commits["by_interval_s"].values()]
    assert max(stored) <= 1.05 * min(stored)
