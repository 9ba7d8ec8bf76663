"""When a keeper commits, on a real journal, with a clock that does not wait."""

import threading
from pathlib import Path

import numpy as np
import pytest
from support.workers import Bench, bright_clip

from flashstream.actors.health import StreamHealth
from flashstream.actors.keeper import KeeperOptions, MemoryKeeper
from flashstream.errors import StoreError


class Waits(threading.Event):
    """Notes how long it would have been waited for, and is set at the `last` wait."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._last = last

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        if len(self.seconds) == self._last:
            self.set()
        return self.is_set()


def test_what_a_store_refused_is_offered_again_long_before_the_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(bright_clip(tmp_path / "clip.mp4"))
    waits = Waits(last=6)
    keeper = MemoryKeeper(
        "s",
        bench.journal(),
        KeeperOptions(commit_interval_s=120.0, picture_ttl_s=60, lend_s=30),
        StreamHealth("s", stale_after_s=10, degraded_after_s=30),
        bench.telemetry,
        waits,
    )
    real, calls = bench.store.commit, 0

    def twice_away(*args: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        keeper.observe(np.ones((1, 1, 2), np.float16), 2.0 + calls, b"jpeg")
        if calls in (2, 3):
            raise StoreError("connection refused")
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.store, "commit", twice_away)
    keeper.observe(np.ones((1, 1, 2), np.float16), 1.0, b"jpeg")
    keeper.commits()
    assert calls == 5
    assert [seconds == 120 for seconds in waits.seconds] == [True, True, False, False, True, True]
    assert max(waits.seconds[2:4]) <= 1
    assert keeper.standing().durable_version == 5
