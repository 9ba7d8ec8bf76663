"""One day with each strength of one event, remembered by one subject."""

from dataclasses import dataclass
from math import sqrt
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.needle.stream import Haystack, NeedleStream
from flashstream.evals.needle.subjects import Frames, Shown, Subject, subject
from flashstream.evals.needle.visible import VISIBLE, EventFilter
from flashstream.memory_store.pooling import pool
from flashstream.memory_store.star import StarConfig

_LOOK = 250  # frames between looks whether the event is lost
_SAMPLES = 600  # moments of the day at which the gist is measured


@dataclass(frozen=True, slots=True)
class Task:
    """subject: see `subjects.subject`; place: see `NeedleStream`; strengths of the event."""

    subject: str
    config: StarConfig
    hay: Haystack
    seed: int
    place: float
    strengths: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the event of one strength can be answered about at the end of the day.

    detail: the policy. remembered: an entry shows it (see `visible`), a slot or a frame in detail.
    detailed: one of its own frames is among those shown in detail.
    """

    detail: str
    strength: float
    remembered: bool
    detailed: bool


@dataclass(frozen=True, slots=True)
class Gist:
    """What is known of a day without the event, at its end.

    covered: share of the day's frames in the slots shown in detail; None if there are no slots.
    slot_error, detail_error: root mean square distance of the day's frames (without noise) to the
    nearest slot, at the temporal grid, and to the nearest frame shown in detail, at the encoder's;
    in the unit of `stream`, a patch: divided by the side of the grid.
    false_alarms: for each strength, whether an entry is taken for the event that was not there.
    """

    detail: str
    covered: float | None
    slot_error: float
    detail_error: float
    false_alarms: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a task; one gist for each detail policy, as many findings for each strength."""

    task: Task
    findings: tuple[Finding, ...]
    gists: tuple[Gist, ...]


def run_trial(task: Task) -> Trial:
    """Everything is drawn from the task's seed: equal tasks give equal trials.

    The days of all strengths are one day until the event begins, and are remembered once until
    then.
    """
    made = _Day(task)
    before = subject(task.subject, task.config, task.hay, task.seed)
    before.observe(made.quiet[: made.stream.event[0]])
    findings = [f for s in task.strengths for f in made.findings(before.fork(), s)]
    before.observe(made.quiet[made.stream.event[0] :])
    return Trial(task, tuple(findings), tuple(made.gists(before)))


class _Day:
    """The day of a task, and what is asked of it."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.stream = NeedleStream(task.hay, task.seed, task.place)
        self.quiet = self.stream.day()
        self._coarse = EventFilter(self.stream, task.config.temporal_grid)
        self._full = EventFilter(self.stream, task.hay.grid)

    def findings(self, subject: Subject, strength: float) -> list[Finding]:
        """Go on from the event's first frame to the end of the day, or until the event is lost."""
        begin, end = self.stream.event
        day = self.quiet.copy()
        day[begin:end] = self.stream.with_event(self.quiet, strength)
        subject.observe(day[begin:end])
        for start in range(end, len(day), _LOOK):
            if subject.lost((begin, end), self._coarse, strength):
                return [Finding(name, strength, False, False) for name in subject.policies]
            subject.observe(day[start : start + _LOOK])
        return [
            Finding(
                detail=shown.detail,
                strength=strength,
                remembered=self._visible(shown, day, strength),
                detailed=any(begin <= number < end for number in shown.details),
            )
            for shown in subject.shown(day)
        ]

    def gists(self, subject: Subject) -> list[Gist]:
        """Of a subject that has seen the quiet day."""
        numbers = np.linspace(0, len(self.quiet) - 1, _SAMPLES).astype(int)
        moments = np.concatenate([self.stream.background(n, n + 1) for n in numbers])
        side = self._task.config.temporal_grid
        coarse = np.stack([pool(moment, side) for moment in moments])
        return [
            Gist(
                detail=shown.detail,
                covered=shown.covered,
                slot_error=_distance(coarse, shown.slots),
                detail_error=_distance(moments, self.quiet[list(shown.details)]),
                false_alarms=tuple(
                    self._visible(shown, self.quiet, strength) for strength in self._task.strengths
                ),
            )
            for shown in subject.shown(self.quiet)
        ]

    def _visible(self, shown: Shown, day: Frames, strength: float) -> bool:
        slots = self._coarse.shares(shown.slots, strength)
        details = self._full.shares(day[list(shown.details)], strength)
        return bool((slots >= VISIBLE).any() or (details >= VISIBLE).any())


def _distance(moments: NDArray[np.float32], entries: NDArray[np.float32] | Frames) -> float:
    """Root mean square, a patch, of float32[N, g, g, D] to the nearest of [S, g, g, D]."""
    nearest = [
        float(((entries.astype(np.float32) - moment) ** 2).sum(axis=(1, 2, 3)).min())
        for moment in moments
    ]
    return sqrt(fmean(nearest)) / len(moments[0])
