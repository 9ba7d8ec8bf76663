"""The needle test: every memory, every baseline, every strength, on several days."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from math import inf, sqrt
from multiprocessing import get_context
from typing import Any

from flashstream.errors import SettingError
from flashstream.evals.needle.recall import table
from flashstream.evals.needle.stream import Haystack
from flashstream.evals.needle.trial import Task, Trial, run_trial
from flashstream.memory_store.star import StarConfig
from flashstream.models.family import Progress

STRENGTHS = (2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
DAYS = 8
# (temper, foresight, saturation): the papers' cost first, then the default. Without weights, which
# temper 0 takes away, the others change nothing.
WARD = (
    (1.0, 1.0, inf),
    (1.0, 32.0, 64.0),
    (1.0, 32.0, inf),
    (1.0, 4.0, 16.0),
    (0.5, 1.0, inf),
    (0.0, 1.0, inf),
)
_GOLDEN = (sqrt(5) - 1) / 2
BASELINES = ("streaming_kmeans", "streaming_kmeans_reset", "offline_kmeans", "uniform", "fifo")


def run(
    report: Progress,
    *,
    hay: Haystack | None = None,
    days: int = DAYS,
    strengths: Sequence[float] = STRENGTHS,
    workers: int | None = None,
) -> dict[str, Any]:
    """Returns {"stream": the Haystack, "config": sizes, "strengths", "days", "table"}.

    See `recall.table`. workers: processes, by default one for each core.
    Raises SettingError for sizes that cannot be used.
    """
    hay = hay or Haystack()
    hay.check()
    if days < 1:
        raise SettingError(f"days = {days}; at least 1 is taken")
    if not strengths or strengths[0] <= 0 or list(strengths) != sorted(set(strengths)):
        raise SettingError(f"strengths = {list(strengths)}; ascending numbers above 0 are taken")
    made = tasks(hay, days, tuple(strengths))
    trials = list(_run(made, report, workers or os.cpu_count() or 1))
    return {
        "stream": asdict(hay),
        "config": StarConfig().model_dump(exclude={"detail", "temper", "foresight", "saturation"}),
        "strengths": list(strengths),
        "days": days,
        "table": table(trials),
    }


def tasks(hay: Haystack, days: int, strengths: tuple[float, ...]) -> list[Task]:
    """The same days, with the event at the same places, for every way to remember.

    The places are spread evenly over the day however many days there are (multiples of the golden
    ratio), so that fewer days are the first of more.
    """
    places = [(0.5 + n * _GOLDEN) % 1 for n in range(days)]
    subjects = [
        ("star", StarConfig(temper=temper, foresight=foresight, saturation=saturation))
        for temper, foresight, saturation in WARD
    ]
    subjects += [(name, StarConfig()) for name in BASELINES]
    return [
        Task(name, config, hay, seed, place, strengths)
        for name, config in subjects
        for seed, place in enumerate(places)
    ]


def _run(made: Sequence[Task], report: Progress, workers: int) -> Iterator[Trial]:
    """Trials in the order of their tasks, however many processes there are."""
    step = f"{len(made)} days, {made[0].hay.frames} frames each, with each strength"
    report(step, 0.0)
    if workers == 1:
        for number, task in enumerate(made, 1):
            yield run_trial(task)
            report(step, number / len(made))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run_trial, task) for task in made]
        for number, _ in enumerate(as_completed(futures), 1):
            report(step, number / len(made))
        yield from (future.result() for future in futures)
