"""Shares of right answers, and how sure they are."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.exam.policies import OURS
from flashstream.evals.world.exam.worlds import Asked
from flashstream.evals.world.questions.sampler import KINDS
from flashstream.evals.world.questions.scene import HORIZONS

DRAWS: Final = 10_000
LEVEL: Final = 0.95
_DIGITS: Final = 4

Right = Mapping[str, NDArray[np.bool_]]
"""By policy, whether each question of the exam was answered right, bool[Q]."""


def shares(asked: Sequence[Asked], right: Right, seed: int) -> dict[str, Any]:
    """{"overall", "interval", "kind", "horizon", "questions", "by_policy", "difference",
    "chance", "asked"}.

    "kind" and "horizon" are of `OURS`; questions of the kind `now` have no horizon. "difference"
    is how much more `OURS` has right than each other policy, of the same questions, with its
    interval. "chance" is what the best guess without watching is expected to have right.
    """
    kinds = _groups(asked, KINDS, lambda each: each.question.kind)
    horizons = _groups(asked, tuple(HORIZONS), lambda each: each.horizon)
    chance = np.array([each.question.answer.chance for each in asked])
    resampled = _resampled(asked, right, seed)
    others = [name for name in right if name != OURS]
    by_policy = {
        name: {"kind": _means(hits, kinds), "horizon": _means(hits, horizons)}
        for name, hits in right.items()
    }
    return {
        "overall": {name: _mean(hits) for name, hits in right.items()},
        "interval": {name: _interval(drawn) for name, drawn in resampled.items()},
        "kind": by_policy[OURS]["kind"],
        "horizon": by_policy[OURS]["horizon"],
        "questions": len(asked),
        "by_policy": by_policy,
        "difference": {
            name: {
                "share": round(float(right[OURS].mean() - right[name].mean()), _DIGITS),
                "interval": _interval(resampled[OURS] - resampled[name]),
            }
            for name in others
        },
        "chance": {
            "overall": _mean(chance),
            "kind": _means(chance, kinds),
            "horizon": _means(chance, horizons),
        },
        "asked": {
            "kind": {name: len(rows) for name, rows in kinds.items()},
            "horizon": {name: len(rows) for name, rows in horizons.items()},
        },
    }


def bootstrap(
    hits: NDArray[np.bool_], clusters: NDArray[np.intp], strata: NDArray[np.intp], seed: int
) -> NDArray[np.float64]:
    """Shares of right answers when the questions had been others of the same kind.

    hits: bool[P, Q]; clusters: intp[Q], questions that are drawn together; strata: intp[Q], within
    which clusters are drawn, as many as there are. Returns float64[P, DRAWS]; equal draws for all
    P, so that differences between them can be taken.
    """
    rng = np.random.default_rng(seed)
    right = np.zeros((len(hits), DRAWS))
    drawn = np.zeros(DRAWS)
    for stratum in np.unique(strata):
        here = np.flatnonzero(strata == stratum)
        names, place = np.unique(clusters[here], return_inverse=True)
        size = np.bincount(place).astype(np.float64)
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
        drawn += times @ size
        for row, own in enumerate(hits[:, here]):
            right[row] += times @ np.bincount(place, own, minlength=len(names))
    return right / drawn


def _resampled(asked: Sequence[Asked], right: Right, seed: int) -> dict[str, NDArray[np.float64]]:
    """Questions of one moment stand or fall together, with what is remembered then, so moments are
    drawn, within each world."""
    worlds = np.array([each.world for each in asked])
    moments = [(each.world, each.question.moment_s) for each in asked]
    numbers = {moment: number for number, moment in enumerate(dict.fromkeys(moments))}
    clusters = np.array([numbers[moment] for moment in moments])
    drawn = bootstrap(np.stack(list(right.values())), clusters, worlds, seed)
    return dict(zip(right, drawn, strict=True))


def _interval(drawn: NDArray[np.float64]) -> list[float]:
    ends = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [round(float(end), _DIGITS) for end in ends]


def _groups(
    asked: Sequence[Asked], names: Sequence[str], key: Callable[[Asked], Hashable]
) -> dict[str, list[int]]:
    rows = {name: [n for n, each in enumerate(asked) if key(each) == name] for name in names}
    return {name: found for name, found in rows.items() if found}


def _means(values: NDArray[Any], groups: Mapping[str, list[int]]) -> dict[str, float]:
    return {name: _mean(values[rows]) for name, rows in groups.items()}


def _mean(values: NDArray[Any]) -> float:
    return round(float(values.mean()), _DIGITS)
