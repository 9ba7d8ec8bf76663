"""Batches frames of many streams into single encoder calls.

The same class serves both placements: one in an actor of its own that all streams share, or one
inside each stream actor. Where it is shared, each stream actor has one too, whose encoder is that
actor: frames of its streams that come while a call is under way travel in the next together.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.actors.priority import yield_to_calls
from flashstream.errors import NotReadyError, OverloadedError
from flashstream.models.family import FrameEncoder
from flashstream.telemetry import ENCODE_BATCH, ENCODE_SECONDS, Telemetry

Features = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class _Job:
    frame: NDArray[np.uint8]
    done: "Future[Features]"
    put_s: float


class BatchingEncoder:
    """A bounded queue in front of `FrameEncoder`s of one model, emptied in batches by a thread of
    each: as many batches are under way at once.

    A batch is as many frames as wait, at most `max_batch`; the first of them waits at most
    `max_wait_s` for others to join it.
    """

    def __init__(
        self,
        encoders: Sequence[FrameEncoder],
        telemetry: Telemetry,
        *,
        max_batch: int,
        max_wait_s: float,
        queue_frames: int,
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """within: each call of an encoder is made in one of these."""
        self._telemetry = telemetry
        self._max_batch = max_batch
        self._max_wait_s = max_wait_s
        self._jobs: queue.Queue[_Job | None] = queue.Queue(queue_frames)
        self._within = within
        self._submitting = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, args=(encoder,), name="encoder", daemon=True)
            for encoder in encoders
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, frame: NDArray[np.uint8]) -> "Future[Features]":
        """uint8[S, S, 3] → a future float16[G, G, D].

        Raises `OverloadedError` if the queue is full (the stream drops the frame),
        `NotReadyError` once closed.
        """
        return self.submit_all([frame])[0]

    def submit_all(self, frames: Sequence[NDArray[np.uint8]]) -> "list[Future[Features]]":
        """As `submit`, of several frames: all are taken, or none."""
        now = time.monotonic()
        jobs = [_Job(frame, Future(), now) for frame in frames]
        with self._submitting:
            if self._closed:
                raise NotReadyError("the encoder has been closed")
            waiting = self._jobs.qsize()
            if waiting + len(jobs) > self._jobs.maxsize:
                raise OverloadedError(
                    f"{waiting} frames already wait for the encoder",
                    queue_frames=self._jobs.maxsize,
                )
            for job in jobs:
                self._jobs.put_nowait(job)
        return [job.done for job in jobs]

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._submitting:
            closed, self._closed = self._closed, True
        if not closed:
            self._jobs.put(None)
            for thread in self._threads:
                thread.join(timeout=30)

    def _run(self, encoder: FrameEncoder) -> None:
        yield_to_calls()
        while (batch := self._next_batch()) is not None:
            self._encode(encoder, batch)

    def _next_batch(self) -> list[_Job] | None:
        first = self._jobs.get()
        if first is None:
            self._jobs.put(None)  # for the next thread
            return None
        batch = [first]
        deadline = time.monotonic() + self._max_wait_s
        while len(batch) < self._max_batch:
            try:
                job = self._jobs.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)  # closing: encode what is here, then meet it again
                break
            batch.append(job)
        return batch

    def _encode(self, encoder: FrameEncoder, batch: Sequence[_Job]) -> None:
        self._telemetry.observe(ENCODE_BATCH, len(batch))
        try:
            with self._within():
                features = encoder.encode([job.frame for job in batch])
        except Exception as failure:  # one bad batch must not end a thread that serves all streams
            for job in batch:
                job.done.set_exception(failure)
            return
        for job, row in zip(batch, features, strict=True):
            self._telemetry.observe(ENCODE_SECONDS, time.monotonic() - job.put_s)
            # A copy, so that a frame kept by one stream does not keep the whole batch alive.
            job.done.set_result(row.copy())
