"""A stream worker on a real video file and a real store, with a fake encoder.

What the encoder sees is not of interest here; that and when frames arrive in memory is.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.workers import OPTIONS, Bench, brightness

from flashstream.actors.spec import StreamSpec, StreamState
from flashstream.errors import (
    FingerprintError,
    NoMemoryYetError,
    OverloadedError,
    StoreError,
    UnreachableSourceError,
)
from flashstream.loadtests.service import until as wait_until
from flashstream.memory_store.journal import MemoryJournal
from flashstream.telemetry import FRAMES_DROPPED
from flashstream.video.frame import Frame
from flashstream.video.source import VideoSource


def until(what: Callable[[], bool], seconds: float = 60.0) -> None:
    wait_until(what, seconds, every_s=0.02)


def test_a_file_read_fast_is_seen_frame_by_frame_to_its_end(bench: Bench) -> None:
    worker = bench.start()
    until(lambda: worker.status().state is StreamState.ENDED)
    until(lambda: worker.status().durable_version == 40)
    status = worker.status()
    assert status.frames_seen == 40
    assert status.frames_dropped == 0
    assert worker.snapshot().slots.weights.sum() == 40


def test_a_frame_is_worked_on_in_the_process_s_turn_and_encoded_outside_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, journal = threading.Lock(), bench.journal()
    observe = journal.observe
    seen: list[tuple[str, bool]] = []

    def encoded(frame: NDArray[np.uint8]) -> NDArray[np.float16]:
        seen.append(("encoded", turn.locked()))
        return brightness(frame)

    def observed(*frame: Any) -> Any:
        seen.append(("observed", turn.locked()))
        return observe(*frame)

    monkeypatch.setattr(journal, "observe", observed)
    worker = bench.start(encoded, journal=lambda: journal, turn=turn)
    until(lambda: worker.status().state is StreamState.ENDED)
    until(lambda: worker.status().frames_seen == 40)
    assert seen == [("encoded", False), ("observed", True)] * 40


def test_it_watches_with_less_priority_than_its_callers_have(bench: Bench) -> None:
    """Each of its threads: that which encodes its frames, which opens the camera, which commits."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    found: dict[str, int] = {}

    def noted(frame: NDArray[np.uint8]) -> NDArray[np.float16]:
        for thread in threading.enumerate():
            if thread.native_id is not None:
                found[thread.name] = os.getpriority(os.PRIO_PROCESS, thread.native_id)
        return brightness(frame)

    worker = bench.start(noted, live=True)
    until(lambda: worker.status().state is StreamState.ENDED)
    lower = min(before + 5, 19)
    assert [found[name] for name in ("watch", "decode", "commit")] == [lower] * 3
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_a_slow_encoder_drops_the_oldest_frames_of_a_live_source_and_counts_them(
    bench: Bench,
) -> None:
    def slowly(frame: NDArray[np.uint8]) -> NDArray[np.float16]:
        time.sleep(0.5)
        return brightness(frame)

    worker = bench.start(slowly, live=True)
    until(lambda: worker.status().state is StreamState.ENDED)
    status = worker.status()
    assert status.frames_dropped >= 20
    # What is seen last is what came last: the oldest were dropped.
    until(lambda: worker.snapshot().features[-1, 0] > 170)


def test_frames_that_the_encoder_refuses_are_counted_as_dropped(bench: Bench) -> None:
    def full(frame: NDArray[np.uint8]) -> NDArray[np.float16]:
        raise OverloadedError("full")

    worker = bench.start(full)
    until(lambda: worker.status().frames_dropped == 40)
    with pytest.raises(NoMemoryYetError):
        worker.snapshot()
    dropped = bench.telemetry.registry.get_sample_value(FRAMES_DROPPED.name, {"stage": "encode"})
    assert dropped == 40


def test_an_encoder_that_fails_once_costs_a_frame_not_the_stream(bench: Bench) -> None:
    calls = 0

    def unreliable(frame: NDArray[np.uint8]) -> NDArray[np.float16]:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise RuntimeError("restarting")
        return brightness(frame)

    worker = bench.start(unreliable)
    until(lambda: worker.status().frames_seen == 39)


def test_a_snapshot_never_waits_for_a_slow_encoder(bench: Bench) -> None:
    go = threading.Event()
    go.set()

    def held(frame: NDArray[np.uint8]) -> NDArray[np.float16]:
        go.wait(60)
        return brightness(frame)

    worker = bench.start(held, live=True)
    until(lambda: worker.status().frames_seen > 3)
    go.clear()
    began = time.monotonic()
    worker.snapshot()
    assert time.monotonic() - began < 30
    go.set()


def test_memory_goes_on_where_the_last_worker_stopped(bench: Bench) -> None:
    first = bench.start()
    until(lambda: first.status().frames_seen == 40)
    first.stop()
    second = bench.start()
    until(lambda: second.status().frames_seen == 80)
    assert second.snapshot().epoch == first.snapshot().epoch + 1
    assert second.snapshot().slots.weights.sum() == 80


def test_a_superseded_worker_stops_and_says_so(bench: Bench) -> None:
    first = bench.start(live=True)
    until(lambda: first.status().frames_seen > 0)
    bench.journal()  # another owner claims the stream
    until(lambda: first.status().state is StreamState.FAILED)
    assert "owner" in first.status().reason


def test_a_memory_of_another_model_is_refused_not_overwritten(bench: Bench) -> None:
    first = bench.start()
    until(lambda: first.status().durable_version == 40)
    first.stop()
    bench.fingerprint = "other"
    with pytest.raises(FingerprintError):
        bench.journal()
    second = bench.start()
    until(lambda: second.status().state is StreamState.FAILED)
    assert "model" in second.status().reason
    stored = bench.store.load("s")
    assert stored is not None
    assert stored.version == 40


def test_watching_goes_on_while_the_store_is_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreError("connection refused")

    real = bench.store.commit
    monkeypatch.setattr(bench.store, "commit", away)
    worker = bench.start()
    until(lambda: worker.status().frames_seen == 40)
    assert worker.status().durable_version == 0
    monkeypatch.setattr(bench.store, "commit", real)
    until(lambda: worker.status().durable_version == 40)


def test_a_store_that_does_not_answer_holds_up_no_frame(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    commit = bench.store.commit

    def hanging(*args: Any, **options: Any) -> Any:
        answers.wait(120)
        return commit(*args, **options)

    monkeypatch.setattr(bench.store, "commit", hanging)
    # None is left out when the machine is short of cores: what comes next waits, as from a file.
    worker = bench.start()
    # Far more frames than can wait, in far less time than the store takes.
    until(lambda: worker.status().frames_seen == 40)
    assert worker.status().frames_dropped == 0
    assert worker.status().durable_version == 0
    answers.set()
    until(lambda: worker.status().durable_version >= 20)


def test_a_store_that_is_away_at_the_start_is_waited_for(bench: Bench) -> None:
    calls = 0

    def journal() -> MemoryJournal[NDArray[np.float16]]:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise StoreError("connection refused")
        return bench.journal()

    worker = bench.start(journal=journal)
    until(lambda: worker.status().frames_seen == 40)
    assert calls == 3


def test_a_camera_that_is_down_is_tried_again_until_it_is_there(bench: Bench) -> None:
    calls = 0

    def source(_: StreamSpec) -> VideoSource:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise UnreachableSourceError("refused")
        return VideoSource(str(bench.clip), fps=10.0)

    worker = bench.start(source=source)
    until(lambda: worker.status().state is StreamState.RECONNECTING)
    assert worker.status().reason == "refused"
    until(lambda: worker.status().frames_seen == 40)


def test_a_snapshot_s_pictures_can_be_kept_after_the_memory_moved_on(bench: Bench) -> None:
    worker = bench.start(live=True)
    until(lambda: worker.status().frames_seen > 2)
    early = worker.snapshot().slots.pictures[-1]
    until(lambda: worker.status().state is StreamState.ENDED)
    now = {picture for pictures in worker.snapshot().slots.pictures for picture in pictures}
    gone = tuple(picture for picture in early if picture not in now)
    assert gone
    assert worker.keep_pictures(gone) == gone


def test_kept_pictures_outlive_the_memory_s_own(bench: Bench) -> None:
    worker = bench.start()
    until(lambda: worker.status().frames_seen == 40)
    picture = worker.snapshot().slots.pictures[0][0]
    assert worker.keep_pictures((picture, "unknown")) == (picture,)
    jpeg = bench.store.picture("s", picture)
    assert jpeg is not None
    assert jpeg == worker.picture(picture)
    assert jpeg.startswith(b"\xff\xd8")
    assert worker.picture("unknown") is None


def test_a_thumbnail_is_made_within_its_limit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[tuple[int, int]] = set()

    def recorded(rgb: NDArray[np.uint8], width: int, *, limit: int) -> bytes:
        asked.add((width, limit))
        return b"jpeg"

    monkeypatch.setattr("flashstream.actors.stream.thumbnail", recorded)
    worker = bench.start()
    until(lambda: worker.status().frames_seen > 0)
    assert asked == {(OPTIONS.thumbnail_width, OPTIONS.thumbnail_bytes)}


def test_a_paused_stream_answers_and_goes_on_when_it_is_resumed(bench: Bench) -> None:
    opened: list[VideoSource] = []

    def source(spec: StreamSpec) -> VideoSource:
        opened.append(VideoSource(spec.url, fps=spec.fps, live=True, loop=True))
        return opened[-1]

    worker = bench.start(live=True, source=source)
    until(lambda: worker.status().frames_seen > 2)
    worker.apply(bench.spec(live=True, paused=True, generation=2))
    assert worker.status().state is StreamState.PAUSED
    until(lambda: worker.status().durable_version == worker.status().memory_version)
    status = worker.status()
    assert status.durable_as_of_s == status.as_of_s
    assert worker.snapshot().version == status.memory_version
    worker.apply(bench.spec(live=True, generation=1))  # older: came late, and undoes nothing
    assert worker.status().state is StreamState.PAUSED
    worker.apply(bench.spec(live=True, generation=3))
    until(lambda: worker.status().state is StreamState.LIVE)
    until(lambda: worker.status().frames_seen > status.frames_seen)
    assert len(opened) == 2


def test_a_pause_that_ends_before_the_camera_has_closed_opens_it_again(bench: Bench) -> None:
    opened: list[VideoSource] = []

    def source(spec: StreamSpec) -> VideoSource:
        opened.append(VideoSource(spec.url, fps=spec.fps, live=True, loop=True))
        return opened[-1]

    worker = bench.start(live=True, source=source)
    until(lambda: worker.status().frames_seen > 2)
    worker.apply(bench.spec(live=True, paused=True, generation=2))
    worker.apply(bench.spec(live=True, generation=3))
    until(lambda: len(opened) == 2)
    until(lambda: worker.status().state is StreamState.LIVE)


def test_a_stream_that_starts_paused_opens_its_memory_and_no_camera(bench: Bench) -> None:
    first = bench.start()
    until(lambda: first.status().durable_version == 40)
    first.stop()
    second = bench.start(spec=bench.spec(paused=True))
    until(lambda: second.status().state is StreamState.PAUSED)
    assert second.snapshot().version == 40


def test_another_frame_rate_reopens_the_source_and_keeps_the_memory(bench: Bench) -> None:
    rates: list[float] = []

    def source(spec: StreamSpec) -> VideoSource:
        rates.append(spec.fps)
        return VideoSource(spec.url, fps=spec.fps)

    worker = bench.start(source=source)
    until(lambda: worker.status().frames_seen == 40)
    worker.apply(bench.spec(labels={"a": "b"}, generation=2))
    worker.apply(bench.spec(labels={"a": "b"}, fps=5.0, generation=3))
    until(lambda: worker.status().frames_seen == 60)
    assert rates == [10.0, 5.0]  # labels alone do not touch the camera
    assert worker.status().spec.generation == 3


def test_a_store_that_is_away_for_long_degrades_the_stream_until_it_caught_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreError("connection refused")

    real = bench.store.commit
    monkeypatch.setattr(bench.store, "commit", away)
    worker = bench.start(live=True, options=replace(OPTIONS, degraded_after_s=0.3))
    until(lambda: worker.status().state is StreamState.DEGRADED)
    status = worker.status()
    assert "connection refused" in status.reason
    assert status.durable_as_of_s is None
    assert status.as_of_s is not None
    monkeypatch.setattr(bench.store, "commit", real)
    until(lambda: worker.status().state is StreamState.LIVE)
    assert worker.status().durable_as_of_s is not None


def test_a_picture_that_is_judged_to_tell_nothing_makes_the_stream_stale(bench: Bench) -> None:
    def dark(frame: Frame) -> str | None:
        return "the picture is black" if frame.rgb.mean() < 60 else None

    worker = bench.start(live=True, judge=dark)
    until(lambda: worker.status().state is StreamState.STALE)
    assert worker.status().reason == "the picture is black"
    until(lambda: worker.status().state is StreamState.LIVE)
