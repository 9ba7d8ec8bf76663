"""From trials to recall with its uncertainty."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean
from typing import Any

from flashstream.evals.needle.trial import Gist, Task, Trial

_Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True)
class Way:
    """A way to remember: the subject, its weighing (of "star" alone), its detail policy."""

    subject: str
    temper: float | None
    foresight: float | None
    saturation: float | None  # None is no limit, too
    detail: str

    @classmethod
    def of(cls, task: Task, detail: str) -> "Way":
        star = task.subject == "star"
        return cls(
            task.subject,
            task.config.temper if star else None,
            task.config.foresight if star else None,
            task.config.saturation if star and isfinite(task.config.saturation) else None,
            detail,
        )


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); (0, 1) for a count of 0."""
    if count == 0:
        return 0.0, 1.0
    share, z2 = hits / count, _Z**2 / count
    middle = (share + z2 / 2) / (1 + z2)
    half = _Z * sqrt(share * (1 - share) / count + z2 / count / 4) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def threshold(strengths: Sequence[float], recalls: Sequence[float]) -> float | None:
    """The strength from which on at least half of the events are recalled, or None.

    Between two strengths, ascending, recall is taken to rise with the logarithm of the strength.
    """
    if recalls[-1] < 0.5:
        return None
    place = max((n for n, recall in enumerate(recalls) if recall < 0.5), default=-1)
    if place < 0:
        return strengths[0]
    low, high = strengths[place], strengths[place + 1]
    share = (0.5 - recalls[place]) / (recalls[place + 1] - recalls[place])
    return float(low * (high / low) ** share)


def table(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """One entry a way, in the order of the trials.

    {"subject", "temper", "foresight", "saturation", "detail", "days", "remembered": R,
    "detailed": R, "gist"}, where R is {"recall": [share for each strength], "low", "high": its
    95 % intervals, "half": see `threshold`}, and gist holds the means of `Gist` over the days and
    "false_alarms" a strength.
    """
    ways: dict[Way, list[Trial]] = defaultdict(list)
    for trial in trials:
        for gist in trial.gists:
            ways[Way.of(trial.task, gist.detail)].append(trial)
    return [_entry(way, found) for way, found in ways.items()]


def _entry(way: Way, trials: Sequence[Trial]) -> dict[str, Any]:
    strengths = trials[0].task.strengths
    gists = [g for trial in trials for g in trial.gists if g.detail == way.detail]
    return {
        "subject": way.subject,
        "temper": way.temper,
        "foresight": way.foresight,
        "saturation": way.saturation,
        "detail": way.detail,
        "days": len(trials),
        "remembered": _recall(way, trials, strengths, "remembered"),
        "detailed": _recall(way, trials, strengths, "detailed"),
        "gist": _gist(gists),
    }


def _recall(
    way: Way, trials: Sequence[Trial], strengths: Sequence[float], kind: str
) -> dict[str, Any]:
    hits = [
        sum(
            getattr(finding, kind)
            for trial in trials
            for finding in trial.findings
            if finding.detail == way.detail and finding.strength == strength
        )
        for strength in strengths
    ]
    recalls = [h / len(trials) for h in hits]
    bounds = [wilson(h, len(trials)) for h in hits]
    half = threshold(strengths, recalls)
    return {
        "recall": [round(recall, 3) for recall in recalls],
        "low": [round(low, 3) for low, _ in bounds],
        "high": [round(high, 3) for _, high in bounds],
        "half": None if half is None else round(half, 2),
    }


def _gist(gists: Sequence[Gist]) -> dict[str, Any]:
    covered = [g.covered for g in gists if g.covered is not None]
    alarms = zip(*(g.false_alarms for g in gists), strict=True)
    return {
        "covered": round(fmean(covered), 4) if covered else None,
        "slot_error": round(fmean(g.slot_error for g in gists), 3),
        "detail_error": round(fmean(g.detail_error for g in gists), 3),
        "false_alarms": [round(fmean(alarm), 3) for alarm in alarms],
    }
