"""Baselines that keep frames as they were: the newest, or evenly spread ones."""

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.exam.baseline import Baseline, Kept
from flashstream.evals.world.exam.watch import Seen
from flashstream.memory_store.state import SlotState
from flashstream.models.family import ModelFamily


class Fifo(Baseline):
    """The newest frames, a slot each; the newest of them in detail."""

    def __init__(self, family: ModelFamily, stream: str) -> None:
        super().__init__(family, stream)
        self._kept: deque[Kept] = deque(maxlen=self.config.temporal_slots)

    def _take(self, number: int, seen: Seen) -> None:
        self._kept.append(Kept.of(number, seen, self.config))

    def _shown(self) -> tuple[Sequence[SlotState], Sequence[int]]:
        newest_first = range(len(self._kept) - 1, -1, -1)
        details = newest_first[: self.config.retrieved_slots]
        return [kept.slot() for kept in self._kept], details


class Uniform(Baseline):
    """Frames evenly spread over all that was seen, a slot each; evenly spread ones in detail.

    The papers sample when the question comes, from all that was stored. The same frames are kept
    here without storing all, by knowing beforehand when questions will come.

    asked_at: how many frames will have been seen when a snapshot is taken.
    """

    def __init__(self, family: ModelFamily, stream: str, asked_at: Iterable[int]) -> None:
        super().__init__(family, stream)
        self._last_use: dict[int, int] = {}
        for seen in sorted(asked_at):
            for number in spread(seen, self.config.temporal_slots):
                self._last_use[number] = seen
        self._kept: dict[int, Kept] = {}

    def _take(self, number: int, seen: Seen) -> None:
        over = [old for old in self._kept if self._last_use[old] <= number]
        for old in over:
            del self._kept[old]
        if number in self._last_use:
            self._kept[number] = Kept.of(number, seen, self.config)

    def _shown(self) -> tuple[Sequence[SlotState], Sequence[int]]:
        wanted = spread(self.frames, self.config.temporal_slots)
        if not self._kept.keys() >= set(wanted):
            raise InvalidRequestError(
                f"nobody said that a question would come after {self.frames} frames"
            )
        details = spread(len(wanted), self.config.retrieved_slots)
        return [self._kept[number].slot() for number in wanted], details


def spread(count: int, most: int) -> list[int]:
    """At most that many of the numbers 0 to count - 1, evenly spread, the first and last among
    them (of one, the last), in ascending order."""
    if most == 1:
        return [count - 1]
    places = np.rint(np.linspace(0, count - 1, min(count, most))).astype(int)
    return [int(place) for place in places]
