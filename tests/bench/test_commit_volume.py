"""The measurement of what is written: it counts what a store would be sent, and no more."""

import json
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.likeness import assert_alike
from typer.testing import CliRunner

from flashstream.bench import commit_volume as bench
from flashstream.bench.commit_volume import Sizes, measure
from flashstream.bench.fixed_camera import FixedCamera
from flashstream.cli.main import app
from flashstream.memory_store.decoding import decode
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.star import StarConfig, StarMemory

GRID, CHANNELS, HOUR = 4, 64, 60
CONFIG = StarConfig(
    spatial_grid=2,
    temporal_slots=12,
    temporal_grid=2,
    abstract_slots=4,
    retrieved_slots=3,
    retrieved_grid=2,
    thumbnail_bytes=1500,
)


def quiet(_step: str, _share: float) -> None:
    return


def memory() -> StarMemory:
    return StarMemory(CONFIG, GRID, CHANNELS, stream="camera", epoch=1)


def camera(seed: int = 1) -> FixedCamera:
    return FixedCamera(GRID, CHANNELS, seed, CONFIG.thumbnail_bytes)


class Counting(LocalStore):
    written = 0

    def commit(self, stream: str, epoch: int, version: int, changes: Any, *rest: Any, **more: Any):  # type: ignore[no-untyped-def]
        self.written += sum(len(data) for data in changes.values())
        return super().commit(stream, epoch, version, changes, *rest, **more)


def test_the_camera_is_like_the_encoders_view_of_one() -> None:
    sights = list(FixedCamera(8, 256, 3, 4096).sights(900))
    assert {len(sight.thumbnail) > 1000 for sight in sights} == {True}
    assert max(len(sight.thumbnail) for sight in sights) <= 4096
    frames = [s.features.astype(np.float32) for s in sights if not s.visited][::50]
    assert np.mean([(frame == 0).mean() for frame in frames]) == pytest.approx(0.89, abs=0.02)
    assert max(frame.max() for frame in frames) <= 6
    empty = [(a, b) for a, b in pairwise(sights) if not (a.visited or b.visited)]
    changes = []
    for one, other in islice(empty, 0, None, 40):
        before, after = (s.features.astype(np.float32) for s in (one, other))
        changes.append(np.linalg.norm(after - before) / np.linalg.norm(before))
    assert 0.2 < np.mean(changes) < 0.45
    again = list(FixedCamera(8, 256, 3, 4096).sights(5))
    for one, other in zip(again, sights, strict=False):
        assert np.array_equal(one.features, other.features)
        assert one.thumbnail == other.thumbnail


def test_it_counts_what_a_journal_sends() -> None:
    result = measure(memory(), camera().sights(3 * HOUR), Sizes(3, (1, 10)), quiet, hour_s=HOUR)[
        "by_interval_s"
    ]
    for interval in (1, 10):
        store = Counting()
        journal = MemoryJournal.open("camera", store, lambda _: memory())
        for number, sight in enumerate(camera().sights(3 * HOUR), 1):
            if number == HOUR + 1:
                store.written = 0
            journal.observe(sight.features, sight.time_s, sight.thumbnail)
            if number % interval == 0:
                journal.commit()
        found = result[str(interval)]
        assert found["commits_per_hour"] == HOUR / interval
        # But for the epoch in the header.
        assert found["bytes_per_hour"] == pytest.approx(store.written / 2, rel=0.02)
        assert sum(found["bytes_per_hour_by_kind"].values()) == pytest.approx(
            found["bytes_per_hour"], abs=6
        )
        stored = store.load("camera")
        assert stored is not None
        in_store = sum(len(data) for data in stored.records.values())
        assert found["stored_bytes"] == pytest.approx(in_store, rel=0.02)
        assert_alike(decode(stored.records), journal.memory.view())


def test_less_is_written_than_plainly_and_less_often_is_less() -> None:
    result = measure(memory(), camera().sights(4 * HOUR), Sizes(4, (1, 20)), quiet, hour_s=HOUR)
    often, seldom = (result["by_interval_s"][key] for key in ("1", "20"))
    for found in (often, seldom):
        assert found["saved"] == pytest.approx(
            found["bytes_per_hour_plain"] / found["bytes_per_hour"], rel=1e-3
        )
        assert found["saved"] > 1
        assert found["stored_bytes"] < found["stored_bytes_plain"]
    assert seldom["bytes_per_hour"] < often["bytes_per_hour"]
    assert result["memory_bytes"] > seldom["stored_bytes"]


def test_the_command_writes_what_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "run", lambda report: {"by_interval_s": {}})
    path = tmp_path / "commits.json"
    done = CliRunner().invoke(app, ["bench", "commits", "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert json.loads(path.read_text()) == {"by_interval_s": {}}
