"""Frames a second that the shared encoder takes: batched over streams and one at a time, and as
the compiled graph that it is on a CPU and as torch runs the same network."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from flashstream.actors.encoder import BatchingEncoder
from flashstream.models.demo.encoder import EncoderNetwork, placed_on
from flashstream.models.demo.family import DemoFamily
from flashstream.models.family import Progress
from flashstream.telemetry import NullTelemetry


def batch_ratio(
    report: Progress, *, streams: int = 16, rounds: int = 5, frames: int = 96
) -> dict[str, Any]:
    """The same frames, by turns from `streams` streams at once and from one alone; and by turns
    through the encoder and through torch, in batches of eight, without a queue."""
    family = DemoFamily()
    rng = np.random.default_rng(7)
    side = family.input_size
    pictures = [rng.integers(0, 256, (side, side, 3), np.uint8) for _ in range(8)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the encoder's actor
    compiled, plain = family.encoder("cpu"), placed_on(EncoderNetwork(), "cpu")
    encoder = BatchingEncoder(
        [compiled],
        NullTelemetry(),
        max_batch=streams,
        max_wait_s=0.005,
        queue_frames=4 * streams,
    )
    try:
        together, alone, ours, torchs = [], [], [], []
        for turn in range(rounds + 1):  # the first warms up
            report("encoder, batched and not", turn / (rounds + 1))
            together.append(frames / _timed(lambda: _from(encoder, pictures, streams, frames)))
            alone.append(frames / _timed(lambda: _from(encoder, pictures, 1, frames)))
            ours.append(len(pictures) / _timed(lambda: compiled.encode(pictures)))
            torchs.append(len(pictures) / _timed(lambda: plain(np.stack(pictures))))
    finally:
        encoder.close()
        torch.set_num_threads(threads)
    report("encoder, batched and not", 1.0)
    return {
        "ratio": _ratio(together, alone),
        "compiled_over_torch": _ratio(ours, torchs),
        "batched_frames_per_s": round(median(together[1:]), 1),
        "alone_frames_per_s": round(median(alone[1:]), 1),
        "streams": streams,
    }


def _ratio(ours: list[float], baseline: list[float]) -> float:
    return round(median(a / b for a, b in zip(ours[1:], baseline[1:], strict=True)), 3)


def _from(
    encoder: BatchingEncoder, pictures: list[NDArray[np.uint8]], streams: int, frames: int
) -> None:
    def stream(number: int) -> None:
        for frame in range(frames // streams):
            encoder.submit(pictures[(number + frame) % len(pictures)]).result()

    with ThreadPoolExecutor(streams) as pool:
        list(pool.map(stream, range(streams)))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
