"""A frame's cost: the whole memory, its consolidation alone, and the papers' k-means, in turn."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from flashstream.evals.baselines import StreamingKMeans
from flashstream.evals.baselines.lloyd import Measure, by_product
from flashstream.models.family import Progress

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is timed.

    name: of the progress shown. frames: how many there are; slots: K of the consolidation.
    observe: one whole observation of frame n, all parts of the memory included.
    point: frame n as the consolidation takes it, float32[P·D].
    consolidate: the consolidation alone of that and a time, of the same sizes as the memory's.
    measure: how the published code of the memory's paper computes distances.
    """

    name: str
    frames: int
    slots: int
    observe: Callable[[int], object]
    point: Callable[[int], NDArray[np.float32]]
    consolidate: Callable[[NDArray[np.float32], float], object]
    measure: Measure


def measure(
    subject: Subject,
    report: Progress,
    *,
    block: int = 8,
    clock: Clock = time.perf_counter_ns,
    cpu_clock: Clock = time.thread_time_ns,
) -> dict[str, Any]:
    """Time each of `block` frames in the memory, then in the consolidation alone, then the first
    of them in streaming k-means, then the next block: other load on the machine meets all of them
    alike. Only full memories are timed.

    Streaming k-means computes distances as the published code of the memory's paper does
    (`Subject.measure`), and, under "product", as a matrix product, which is faster and less exact;
    that one with one BLAS thread and with as many as there are by default (faster on an idle
    machine, slower on a busy one): the lower median counts. All else is one thread's work.
    Returns microseconds and ratios of medians:

    us_per_frame_p50, _p99: one whole observation.
    consolidation_us_p50: the Ward step alone, on the same pooled frame.
    streaming_kmeans[_product]_us_p50: all ten rounds; _settled_: stopped once the centroids rest,
        after `streaming_kmeans_rounds` rounds on average.
    speedup_vs_streaming_kmeans[_product][_settled]: k-means over the consolidation.
    speedup_vs_streaming_kmeans[_product]_cpu: of one thread's processor time, which does not count
        the time that other processes take from it.
    speedup_whole_frame_vs_…: with everything else that an observation costs added to both sides.
    """
    observed, consolidated = _Times(clock, cpu_clock), _Times(clock, cpu_clock)
    rivals = {
        ("", settle): [_Rival.of(subject, subject.measure, settle, 1, clock, cpu_clock)]
        for settle in (False, True)
    } | {
        ("_product", settle): [
            _Rival.of(subject, by_product, settle, threads, clock, cpu_clock)
            for threads in (1, None)
        ]
        for settle in (False, True)
    }
    for start in range(0, subject.frames, block):
        numbers = range(start, min(start + block, subject.frames))
        points = [subject.point(number) for number in numbers]
        keep = start >= subject.slots
        for number in numbers:
            observed.add(partial(subject.observe, number), keep)
        for number, point in zip(numbers, points, strict=True):
            consolidated.add(partial(subject.consolidate, point, float(number)), keep)
        for rival in (each for group in rivals.values() for each in group):
            for point in points[:1] if keep else points:
                rival.add(point, keep)
        report(f"timing {subject.name}", numbers.stop / subject.frames)
    whole, ours = observed.p50(), consolidated.p50()
    rest = max(0.0, whole - ours)
    found = {
        "us_per_frame_p50": whole,
        "us_per_frame_p99": observed.percentile(99),
        "consolidation_us_p50": ours,
        "consolidation_cpu_us_p50": consolidated.cpu_p50(),
    }
    for (kind, settle), group in rivals.items():
        theirs = min(each.times.p50() for each in group)
        name = f"streaming_kmeans{kind}{'_settled' if settle else ''}"
        found[f"{name}_us_p50"] = theirs
        found[f"speedup_vs_{name}"] = theirs / ours
        found[f"speedup_whole_frame_vs_{name}"] = (rest + theirs) / whole
        found[f"speedup_vs_{name}_cpu"] = group[0].times.cpu_p50() / consolidated.cpu_p50()
    settled = rivals["", True][0].kmeans
    found["streaming_kmeans_rounds"] = settled.rounds / max(1, settled.steps)
    found["frames_timed"] = len(observed.wall)
    found["frames_timed_kmeans"] = len(rivals["", True][0].times.wall)
    return found


class _Times:
    """Microseconds that something took, by the clock and of this thread's processor time."""

    def __init__(self, clock: Clock, cpu_clock: Clock) -> None:
        self._clock, self._cpu_clock = clock, cpu_clock
        self.wall: list[float] = []
        self._cpu: list[float] = []

    def add(self, action: Callable[[], object], keep: bool) -> None:
        cpu, began = self._cpu_clock(), self._clock()
        action()
        wall = self._clock() - began
        if keep:
            self.wall.append(wall / 1000)
            self._cpu.append((self._cpu_clock() - cpu) / 1000)

    def p50(self) -> float:
        return self.percentile(50)

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.wall, share))

    def cpu_p50(self) -> float:
        return float(np.percentile(self._cpu, 50))


@dataclass(frozen=True, slots=True)
class _Rival:
    """Streaming k-means with a number of BLAS threads; None leaves it as it is."""

    kmeans: StreamingKMeans
    threads: int | None
    times: _Times
    libraries: ThreadpoolController

    @classmethod
    def of(
        cls,
        subject: Subject,
        measure: Measure,
        settle: bool,
        threads: int | None,
        clock: Clock,
        cpu_clock: Clock,
    ) -> Self:
        kmeans = StreamingKMeans(subject.slots, seed=0, settle=settle, measure=measure)
        return cls(kmeans, threads, _Times(clock, cpu_clock), ThreadpoolController())

    def add(self, point: NDArray[np.float32], keep: bool) -> None:
        with self.libraries.limit(limits=self.threads, user_api="blas"):
            self.times.add(partial(self.kmeans.add, point, 0.0), keep)
