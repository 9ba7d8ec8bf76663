"""The measurement measures: made-up memories of known speeds have to be found out."""

import json
import mmap
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info
from typer.testing import CliRunner

from flashstream.bench import memory as bench
from flashstream.bench import memory_age, memory_speed
from flashstream.bench.memory import Sizes, measure
from flashstream.bench.memory_speed import Subject, _Rival
from flashstream.cli.main import app
from flashstream.evals.baselines.lloyd import by_differences
from flashstream.evals.compression import BASELINES
from flashstream.evals.synthetic import synthetic_footage, synthetic_pairs
from flashstream.memory_store.star import StarMemory

CHANNELS = 8
SIZES = Sizes(
    every=(2, 1),
    slots=(4, 6),
    seeds=(0,),
    tries=2,
    candidates=(1, 2),
    checkpoint=40,
    synthetic_frames=60,
    synthetic_steps=80,
    synthetic_long_frames=90,
    synthetic_long_channels=4,
)


def quiet(_step: str, _share: float) -> None:
    return


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers_in(each)
    elif isinstance(value, int | float):
        yield value


def test_all_that_was_promised_is_measured() -> None:
    footage = synthetic_footage(80, 8, CHANNELS, seed=0)
    result = measure(footage, synthetic_pairs(80, 16, CHANNELS, seed=0), quiet, SIZES)
    for speeds in (result, result["synthetic"]):
        for kind in ("star", "flash"):
            speed = speeds[kind]
            assert 0 < speed["us_per_frame_p50"] <= speed["us_per_frame_p99"]
            assert speed["speedup_vs_streaming_kmeans"] == pytest.approx(
                speed["streaming_kmeans_us_p50"] / speed["consolidation_us_p50"]
            )
            assert 1 < speed["streaming_kmeans_rounds"] <= 10
        assert set(speeds["sse_over_ours"]) == set(BASELINES)
    assert set(result["sse"]) == set(result["fidelity_by_sampling"]) == {"every_2", "every_1"}
    for name in BASELINES:
        ratios = [k[name] / k["ours"] for found in result["sse"].values() for k in found.values()]
        assert len(ratios) == 4
        assert result["sse_over_ours"][name] == min(ratios)
    assert set(result["fidelity"]) == {"m1", "m2"}
    assert result["fidelity"] == result["fidelity_by_sampling"]["every_2"]
    assert result["fidelity"]["m1"]["ratio"] >= 0.99
    # Published sizes: 25 slots of 4×4 patches and 60 of 8×8, float32, and what is kept of frames.
    assert result["bytes_per_stream"]["star"] > 4 * 25 * 16 * CHANNELS
    assert result["bytes_per_stream"]["flash"] > 4 * 60 * 64 * CHANNELS
    for kind, held in result["bytes_per_stream"].items():
        assert held <= result["bytes_per_stream_budget"][kind]
    assert all(isfinite(number) for number in numbers_in(result))
    json.dumps(result)


def test_a_rival_is_timed_with_the_threads_it_was_given() -> None:
    def threads() -> set[int]:
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    seen: list[set[int]] = []

    def measure(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> Any:
        seen.append(threads())
        return by_differences(points, centroids)

    before = threads()
    subject = Subject(
        "made up", 4, 1, lambda _: None, lambda _: np.ones(2, np.float32), max, measure
    )
    for given in (1, None):
        rival = _Rival.of(subject, measure, True, given, Clock(), Clock())
        for _ in range(3):
            rival.add(np.ones(2, np.float32), True)
        assert seen.pop() == ({1} if given else before)
    assert threads() == before


class Clock:
    """Microseconds pass only when something is done, and one for each look at the clock."""

    def __init__(self) -> None:
        self.now_us = 0.0

    def __call__(self) -> int:
        self.now_us += 0.5
        return round(self.now_us * 1000)

    def spend(self, us: float) -> None:
        self.now_us += us


def test_times_are_told_apart_and_filling_is_left_out() -> None:
    clock, seen, steps = Clock(), [], []

    def observe(number: int) -> None:
        seen.append(number)
        clock.spend(99.5 if number >= 12 else 9999)

    def consolidate(point: NDArray[np.float32], time_s: float) -> None:
        steps.append((float(point[0]), time_s))
        clock.spend(9.5)

    subject = Subject(
        name="made up",
        frames=40,
        slots=10,
        observe=observe,
        point=lambda number: np.full(3, number, np.float32),
        consolidate=consolidate,
        measure=by_differences,
    )
    result = memory_speed.measure(subject, quiet, block=4, clock=clock, cpu_clock=clock)
    assert seen == list(range(40))
    assert steps == [(float(n), float(n)) for n in range(40)]
    assert result["us_per_frame_p50"] == result["us_per_frame_p99"] == pytest.approx(100)
    assert result["consolidation_us_p50"] == pytest.approx(10)
    assert result["streaming_kmeans_us_p50"] == pytest.approx(0.5)  # it spends no made-up time
    assert result["speedup_vs_streaming_kmeans"] == pytest.approx(0.05)
    assert result["speedup_whole_frame_vs_streaming_kmeans"] == pytest.approx(0.905)
    assert result["speedup_vs_streaming_kmeans_cpu"] == pytest.approx(1.5 / 11)
    assert result["frames_timed"] == 28
    assert result["frames_timed_kmeans"] == 7


def test_a_memory_that_slows_down_with_age_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    class Aging(StarMemory):
        def observe(self, *frame: Any) -> Any:
            clock.spend(100 + self.version)
            return super().observe(*frame)

    def age() -> dict[str, Any]:
        return memory_age.measure(quiet, frames=900, young=100, channels=2, rounds=2, clock=clock)

    steady = age()
    assert steady["flatness"] == 1
    monkeypatch.setattr(memory_age, "StarMemory", Aging)
    aging = age()
    assert aging["flatness"] == pytest.approx(1000 / 200, rel=0.05)
    assert aging["age"]["frames_timed_each"] == 2 * 20
    assert aging["age"]["frames"] == 900


def test_a_memory_that_grows_with_age_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 1 << 17

    class Hoarding(StarMemory):
        def observe(self, *frame: Any) -> Any:
            # Pages of its own: a heap might have room that was freed before.
            page = mmap.mmap(-1, size)
            page.write(bytes([1]) * size)
            self.hoard = [*getattr(self, "hoard", []), page]
            return super().observe(*frame)

    monkeypatch.setattr(memory_age, "StarMemory", Hoarding)
    grown = memory_age.measure(quiet, frames=800, young=100, channels=2, rounds=1)
    assert grown["rss_growth_bytes"] > 0.9 * 700 * size


def test_the_command_writes_what_it_prints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "run", lambda report: {"flatness": 1.0})
    path = tmp_path / "memory.json"
    ran = CliRunner().invoke(app, ["bench", "memory", "--json", str(path)])
    assert ran.exit_code == 0, ran.output
    assert json.loads(path.read_text()) == {"flatness": 1.0}
    refused = CliRunner().invoke(app, ["bench", "memory", "--json", str(tmp_path / "no" / "x")])
    assert refused.exit_code != 0
