"""Temporal positions of Flash memory's entries, for M-RoPE (arXiv 2409.12191, 2506.23825 §3.3).

Time on a camera has no end, but a language model is trained on positions up to a limit. Each
timeline turns the times of a snapshot's entries into positions from 0; equal times get equal
positions, later ones never smaller.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import SettingError

Timeline = Callable[[NDArray[np.float64]], NDArray[np.int32]]
"""Unix seconds float64[N], N ≥ 1 → positions int32[N], the earliest 0."""

_LAST = 2**30

TimelineName = Literal["rank", "time", "compact"]


def timeline(name: TimelineName, unit_s: float, limit: int) -> Timeline:
    """The timeline of that name.

    rank: the entries' order alone, as in the papers' code; two entries a minute or a month apart
        are one position apart.
    time: one position for each `unit_s` seconds since the earliest entry. Exact, but a stream that
        outlives limit · unit_s seconds leaves the positions that a model was trained on. They end
        at 2³⁰, so that they fit in an int32 whatever they are offset by.
    compact: as `time` as long as that stays below `limit`; then the longest gaps are shortened,
        all to one length, so that the last position is limit − 1 and short gaps keep their length.

    Raises SettingError if `unit_s` or `limit` is not positive.
    """
    if not unit_s > 0 or limit < 1:
        raise SettingError(
            f"a timeline takes a unit above 0 s and a limit of at least 1 position, "
            f"not {unit_s} s and {limit}"
        )
    if name == "rank":
        return _rank
    if name == "time":
        return lambda times: _time(times, unit_s)
    return lambda times: _compact(times, unit_s, min(limit, _LAST))


def _rank(times: NDArray[np.float64]) -> NDArray[np.int32]:
    _, ranks = np.unique(times, return_inverse=True)
    positions: NDArray[np.int32] = ranks.astype(np.int32)
    return positions


def _time(times: NDArray[np.float64], unit_s: float) -> NDArray[np.int32]:
    with np.errstate(over="ignore"):
        units = _whole((times - times.min()) / unit_s)
    positions: NDArray[np.int32] = np.minimum(units, _LAST).astype(np.int32)
    return positions


def _whole(units: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded, halves always up, also those that float64 puts just below: equal gaps then come out
    alike, where rounding to even makes 0, 2, 2, 4 of 0.5, 1.5, 2.5, 3.5."""
    whole: NDArray[np.float64] = np.floor(units + (0.5 + 1e-6))
    return whole


def _compact(times: NDArray[np.float64], unit_s: float, limit: int) -> NDArray[np.int32]:
    exact = _time(times, unit_s)
    if exact.max() < limit:
        return exact
    instants, place = np.unique(times, return_inverse=True)
    with np.errstate(over="ignore"):
        gaps = np.diff(instants) / unit_s
    gaps = np.minimum(gaps, _longest(gaps, limit - 1))
    at = np.concatenate([np.zeros(1), np.cumsum(gaps)])
    positions: NDArray[np.int32] = np.minimum(_whole(at), limit - 1).astype(np.int32)
    return positions[place]


def _longest(gaps: NDArray[np.float64], room: float) -> float:
    """The length g for which Σ min(gap, g) is `room`, infinite if the gaps fit as they are."""
    if gaps.sum() <= room:
        return np.inf
    shortest_first = np.sort(gaps)
    left = float(room)
    for place, gap in enumerate(shortest_first):
        share = left / (len(gaps) - place)
        if gap >= share:  # so are all that follow: they share what is left
            return share
        left -= float(gap)
    return np.inf
