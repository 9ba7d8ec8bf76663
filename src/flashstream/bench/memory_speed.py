"""A frame's cost: the whole memory, its consolidation alone, and the papers' k-means, in turn."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.baselines import StreamingKMeans
from flashstream.models.family import Progress

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is timed.

    name: of the progress shown. frames: how many there are; slots: K of the consolidation.
    observe: one whole observation of frame n, all parts of the memory included.
    point: frame n as the consolidation takes it, float32[P·D].
    consolidate: the consolidation alone of that and a time, of the same sizes as the memory's.
    """

    name: str
    frames: int
    slots: int
    observe: Callable[[int], object]
    point: Callable[[int], NDArray[np.float32]]
    consolidate: Callable[[NDArray[np.float32], float], object]


def measure(
    subject: Subject,
    report: Progress,
    *,
    block: int = 8,
    baseline_frames: int = 1,
    clock: Clock = time.perf_counter_ns,
) -> dict[str, Any]:
    """Time each of `block` frames in the memory, then in the consolidation alone, then the first
    `baseline_frames` of them in streaming k-means, then the next block: other load on the machine
    meets all of them alike. Only full memories are timed.

    Returns microseconds and ratios of medians:
    us_per_frame_p50, _p99: one whole observation.
    consolidation_us_p50: the Ward step alone, on the same pooled frame.
    streaming_kmeans_us_p50: all ten rounds; _settled_: stopped once the centroids rest, after
        `streaming_kmeans_rounds` rounds on average.
    speedup_vs_streaming_kmeans[_settled]: k-means over the consolidation; _p10: of the tenth
        percentiles, which other load on the machine reaches least.
    speedup_whole_frame_vs_…: the same with everything else that an observation costs added to
        both sides.
    """
    full, settled = (StreamingKMeans(subject.slots, seed=0, settle=each) for each in (False, True))
    observed, consolidated, rounds_all, rounds_settled = [], [], [], []

    def timed(action: Callable[[], object]) -> float:
        began = clock()
        action()
        return (clock() - began) / 1000

    for start in range(0, subject.frames, block):
        numbers = range(start, min(start + block, subject.frames))
        filling = start < subject.slots
        points = [subject.point(number) for number in numbers]
        spent = [timed(lambda n=n: subject.observe(n)) for n in numbers]  # type: ignore[misc]
        alone = [
            timed(lambda n=n, p=p: subject.consolidate(p, float(n)))  # type: ignore[misc]
            for n, p in zip(numbers, points, strict=True)
        ]
        chosen = points if filling else points[:baseline_frames]
        ten = [timed(lambda p=p: full.add(p, 0.0)) for p in chosen]  # type: ignore[misc]
        few = [timed(lambda p=p: settled.add(p, 0.0)) for p in chosen]  # type: ignore[misc]
        report(f"timing {subject.name}", numbers.stop / subject.frames)
        if filling:
            continue
        observed += spent
        consolidated += alone
        rounds_all += ten
        rounds_settled += few
    whole, ours = float(np.median(observed)), float(np.median(consolidated))
    kmeans, kmeans_settled = float(np.median(rounds_all)), float(np.median(rounds_settled))
    rest = max(0.0, whole - ours)
    quiet, quiet_kmeans = (float(np.percentile(each, 10)) for each in (consolidated, rounds_all))
    return {
        "us_per_frame_p50": whole,
        "us_per_frame_p99": float(np.percentile(observed, 99)),
        "consolidation_us_p50": ours,
        "streaming_kmeans_us_p50": kmeans,
        "streaming_kmeans_settled_us_p50": kmeans_settled,
        "streaming_kmeans_rounds": settled.rounds / max(1, settled.steps),
        "speedup_vs_streaming_kmeans": kmeans / ours,
        "speedup_vs_streaming_kmeans_settled": kmeans_settled / ours,
        "speedup_whole_frame_vs_streaming_kmeans": (rest + kmeans) / whole,
        "speedup_whole_frame_vs_streaming_kmeans_settled": (rest + kmeans_settled) / whole,
        "us_per_frame_p10": float(np.percentile(observed, 10)),
        "consolidation_us_p10": quiet,
        "streaming_kmeans_us_p10": quiet_kmeans,
        "speedup_vs_streaming_kmeans_p10": quiet_kmeans / quiet,
        "frames_timed": len(observed),
        "frames_timed_kmeans": len(rounds_all),
    }
