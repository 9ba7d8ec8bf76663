"""Batching of many streams' frames, with a fake encoder: the logic here is the queue's."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from flashstream.actors import ray_actors
from flashstream.actors.encoder import BatchingEncoder
from flashstream.config import load
from flashstream.errors import NotReadyError, OverloadedError
from flashstream.telemetry import NullTelemetry


class Doubling:
    """Features are twice the frame's first value; can be held, or made to fail."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.values: list[int] = []
        self.niceness: set[int] = set()
        self.began = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def encode(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        self.began.set()
        self.go.wait(60)
        self.batches.append(len(frames))
        self.niceness.add(os.getpriority(os.PRIO_PROCESS, 0))
        values = [int(frame.flat[0]) for frame in frames]
        self.values += values
        if 13 in values:
            raise RuntimeError("unlucky")
        return np.array([[[[2 * value]]] for value in values], dtype=np.float16)


def frame(value: int) -> NDArray[np.uint8]:
    return np.full((4, 4, 3), value, dtype=np.uint8)


@pytest.fixture
def inner() -> Doubling:
    return Doubling()


@pytest.fixture
def batching(inner: Doubling) -> Iterator[BatchingEncoder]:
    encoder = BatchingEncoder([inner], NullTelemetry(), max_batch=4, max_wait_s=0.2, queue_frames=6)
    yield encoder
    inner.go.set()
    encoder.close()


def test_each_caller_gets_the_features_of_its_own_frame(
    batching: BatchingEncoder, inner: Doubling
) -> None:
    futures = [batching.submit(frame(value)) for value in (3, 1, 2)]
    assert [float(future.result(60)[0, 0, 0]) for future in futures] == [6, 2, 4]
    assert inner.batches == [3]


def test_a_batch_is_never_larger_than_allowed(batching: BatchingEncoder, inner: Doubling) -> None:
    futures = [batching.submit(frame(value)) for value in range(6)]
    for future in futures:
        future.result(60)
    assert inner.batches == [4, 2]


def test_frames_are_taken_as_they_came(batching: BatchingEncoder, inner: Doubling) -> None:
    """A stream has one frame here at a time: so none gets a second turn before another's first."""
    inner.go.clear()
    futures = [batching.submit(frame(value)) for value in range(6)]
    inner.go.set()
    for future in futures:
        future.result(60)
    assert inner.values == [0, 1, 2, 3, 4, 5]


def test_a_full_queue_refuses_instead_of_growing(
    batching: BatchingEncoder, inner: Doubling
) -> None:
    inner.go.clear()
    first = batching.submit(frame(0))  # taken out of the queue by the thread, and held there
    for value in range(3):
        batching.submit(frame(value))
    with pytest.raises(OverloadedError, match="6 frames already wait"):  # noqa: PT012
        for value in range(10):
            batching.submit(frame(value))
    inner.go.set()
    assert first.result(60).shape == (1, 1, 1)


def test_of_several_frames_all_are_taken_or_none(
    batching: BatchingEncoder, inner: Doubling
) -> None:
    inner.go.clear()
    held = batching.submit_all([frame(value) for value in range(4)])
    assert inner.began.wait(60)
    waiting = batching.submit_all([frame(value) for value in range(4)])
    with pytest.raises(OverloadedError, match="4 frames already wait"):
        batching.submit_all([frame(value) for value in range(3)])
    inner.go.set()
    for future in held + waiting:
        future.result(60)
    assert inner.values == [0, 1, 2, 3, 0, 1, 2, 3]


def test_frames_that_come_while_a_call_is_under_way_travel_together(inner: Doubling) -> None:
    """As those of one process do, which calls the shared encoder's actor."""
    encoder = BatchingEncoder([inner], NullTelemetry(), max_batch=4, max_wait_s=0, queue_frames=8)
    inner.go.clear()
    futures = [encoder.submit(frame(1))]
    assert inner.began.wait(60)
    futures += [encoder.submit(frame(value)) for value in (2, 3, 4)]
    inner.go.set()
    assert [float(future.result(60)[0, 0, 0]) for future in futures] == [2, 4, 6, 8]
    encoder.close()
    assert inner.batches == [1, 3]


def test_a_failed_batch_fails_its_frames_and_the_next_is_served(
    batching: BatchingEncoder,
) -> None:
    with pytest.raises(RuntimeError, match="unlucky"):
        batching.submit(frame(13)).result(60)
    assert float(batching.submit(frame(4)).result(60)[0, 0, 0]) == 8


def test_closing_encodes_what_waits_and_then_refuses(batching: BatchingEncoder) -> None:
    waiting = [batching.submit(frame(value)) for value in range(5)]
    batching.close()
    assert [float(future.result(0)[0, 0, 0]) for future in waiting] == [0, 2, 4, 6, 8]
    with pytest.raises(NotReadyError):
        batching.submit(frame(1))


def test_each_call_is_made_within_what_is_given(inner: Doubling) -> None:
    told: list[str] = []

    @contextmanager
    def within() -> Iterator[None]:
        told.append(f"begins after {len(inner.batches)}")
        yield
        told.append(f"ends after {len(inner.batches)}")

    encoder = BatchingEncoder(
        [inner], NullTelemetry(), max_batch=4, max_wait_s=0.0, queue_frames=6, within=within
    )
    for value in (1, 2):
        encoder.submit(frame(value)).result(60)
    encoder.close()
    assert told == ["begins after 0", "ends after 1", "begins after 1", "ends after 2"]


def test_encoders_side_by_side_have_a_batch_each_under_way() -> None:
    held, free = both = (Doubling(), Doubling())
    for each in both:
        each.go.clear()
    encoder = BatchingEncoder(both, NullTelemetry(), max_batch=1, max_wait_s=0.0, queue_frames=8)
    futures = [encoder.submit(frame(value)) for value in (1, 2)]
    assert all(each.began.wait(60) for each in both)
    futures += [encoder.submit(frame(value)) for value in (3, 4, 5)]
    free.go.set()
    assert [float(future.result(60)[0, 0, 0]) for future in futures[2:]] == [6, 8, 10]
    assert held.values == []
    held.go.set()
    encoder.close()
    assert [float(future.result(0)[0, 0, 0]) for future in futures[:2]] == [2, 4]
    assert (len(held.values), len(free.values)) == (1, 4)


def test_there_are_as_many_encoders_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Doubling] = []

    def encoder(_device: str) -> Doubling:
        made.append(Doubling())
        return made[-1]

    monkeypatch.setattr(ray_actors, "configured", lambda _: SimpleNamespace(encoder=encoder))
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    settings = load(overrides={"encoder.workers": 3, "encoder.device": "cpu"}, environ={})
    ray_actors.build_encoder(settings, cast(Any, NullTelemetry())).close()
    assert len(made) == 3


def test_it_encodes_with_less_priority_than_its_caller_has(
    batching: BatchingEncoder, inner: Doubling
) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    batching.submit(frame(1)).result(60)
    assert inner.niceness == {min(before + 5, 19)}
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
