"""Does a memory get slower or larger with age? One of a million frames beside young ones."""

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from flashstream.evals.synthetic import SyntheticStream
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import Progress

GRID = 8
_WINDOW = 20  # frames that one memory is timed for before the other's turn
_STEP = 1000


def measure(
    report: Progress,
    *,
    frames: int = 1_000_000,
    young: int = 1000,
    channels: int = 32,
    rounds: int = 12,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> dict[str, Any]:
    """Run STAR memory of the published slots and grids, but `channels` channels (so that a
    million frames take minutes), over `frames` synthetic frames.

    flatness: median time of a frame in that memory over that in memories `young` frames old.
    Both are timed at the same minute, on the same frames, in short turns: in each of `rounds`
    rounds a new memory is brought to just below `young` frames, then both see as many on.
    rss_growth_bytes: resident memory of the process at the last frame less that at frame `young`,
    each after a garbage collection.
    """
    stream = SyntheticStream(GRID, channels, seed=1).frames()
    old = _Aged(channels, clock)
    old.watch(stream, young)
    resident_young = _resident()
    while old.memory.version < frames:
        old.watch(stream, min(_STEP, frames - old.memory.version))
        report("a long life", 0.999 * old.memory.version / frames)
    resident_old = _resident()
    report("a long life", 1.0)
    # Frames timed of each young memory, half of them before `young`.
    span = max(_WINDOW, young // 5)
    spent_old: list[float] = []
    spent_young: list[float] = []
    gc.disable()
    try:
        for done in range(rounds):
            new = _Aged(channels, clock)
            new.watch(stream, max(1, young - span // 2))
            for _ in range(span // _WINDOW):
                window = [next(stream) for _ in range(_WINDOW)]
                turns = ((new, spent_young), (old, spent_old))
                for aged, spent in turns if done % 2 else reversed(turns):
                    spent += aged.timed(window)
            gc.collect()
            report("young and old in turn", (done + 1) / rounds)
    finally:
        gc.enable()
    p50_old, p50_young = float(np.median(spent_old)), float(np.median(spent_young))
    return {
        "flatness": p50_old / p50_young,
        "rss_growth_bytes": resident_old - resident_young,
        "age": {
            "frames": frames,
            "young_frames": young,
            "channels": channels,
            "us_per_frame_p50_young": p50_young,
            "us_per_frame_p50_old": p50_old,
            "frames_timed_each": len(spent_old),
            "rss_bytes": resident_old,
        },
    }


class _Aged:
    """A memory and the time that its frames take."""

    def __init__(self, channels: int, clock: Callable[[], int]) -> None:
        self.memory = StarMemory(StarConfig(), GRID, channels, stream="age")
        self._clock = clock

    def watch(self, stream: Iterator[NDArray[np.float16]], frames: int) -> None:
        for _ in range(frames):
            self._observe(next(stream))

    def timed(self, frames: list[NDArray[np.float16]]) -> list[float]:
        """Microseconds of each."""
        spent = []
        for frame in frames:
            began = self._clock()
            self._observe(frame)
            spent.append((self._clock() - began) / 1000)
        return spent

    def _observe(self, frame: NDArray[np.float16]) -> None:
        number = self.memory.version
        # A thumbnail of its own for every frame, of many sizes, so that what is kept changes.
        thumbnail = number.to_bytes(8, "little") * (64 + number % 64)
        self.memory.observe(frame, float(number), thumbnail)


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)
