"""What a maker of questions works with: a world's truth, a moment to ask at, and chance."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import exp, log
from typing import Final, TypeVar

import numpy as np

from flashstream.evals.world.questions.answers import Answer
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.timeline import Timeline, Visit
from flashstream.evals.world.world import World

HORIZONS: Final = {"10s": 10.0, "1min": 60.0, "10min": 600.0, "1h": 3600.0, "10h": 36000.0}
BAND: Final = 1.5
"""A question at a horizon is asked between 1/1.5 and 1.5 times that long after its event."""

_SOONEST_S: Final = 4.0  # after the event, where no horizon is wanted

T = TypeVar("T")


class Scene:
    """One world, asked about at one horizon, or at any if `horizon_s` is None."""

    def __init__(self, world: World, rng: np.random.Generator, horizon_s: float | None) -> None:
        self.timeline: Timeline = world.timeline
        self.rng = rng
        self.horizon_s = horizon_s
        self.start: datetime = world.start
        self._troupe = world.troupe
        self._fps = world.spec.fps
        self._end_s = (len(world) - 1) / self._fps
        self._label = f"{world.spec.split}-{world.spec.seed}"

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.rng.integers(len(options)))]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """That many, in random order."""
        return [options[k] for k in self.rng.permutation(len(options))[:count]]

    @property
    def frame_s(self) -> float:
        """Seconds from a frame to the next."""
        return 1 / self._fps

    @property
    def ages(self) -> tuple[float, float]:
        """The shortest and longest time after its event that a question is asked at."""
        if self.horizon_s is None:
            return _SOONEST_S, max(2 * _SOONEST_S, self._end_s)
        return self.horizon_s / BAND, self.horizon_s * BAND

    def age(self) -> float:
        """How long after its event a question is asked: each order of size equally likely."""
        shortest, longest = self.ages
        return exp(self.rng.uniform(log(shortest), log(longest)))

    def frame_at(self, time_s: float) -> float:
        """The moment of the frame nearest to a time."""
        return round(time_s * self._fps) / self._fps

    def moment_after(self, event_s: float) -> float | None:
        """The moment of a frame to ask at about an event of that moment; None if there is none."""
        moment = self.frame_at(event_s + self.age())
        return moment if event_s < moment <= self._end_s and self.clear(moment) else None

    def clear(self, moment: float) -> bool:
        """Whether nobody is seen but by less than half, so that what is there is beyond doubt."""
        return all(
            visit.seen_at(moment) or not visit.path.enter_s < moment < visit.path.leave_s
            for visit in self.timeline.visits
        )

    def asked(self) -> tuple[Visit, float] | None:
        """A visit that is over and a moment at the wanted horizon after its end."""
        visit = self.pick(self.timeline.visits)
        moment = self.moment_after(visit.last_s)
        return None if moment is None else (visit, moment)

    def only(self, visit: Visit, moment: float) -> bool:
        """Whether it is the only visit of its name by then."""
        return self.timeline.of(visit.name, moment) == (visit,)

    def only_ones(self, moment: float) -> list[Visit]:
        """The visits, over by a moment, that are the only ones of their names by then."""
        return [
            visit
            for visit in self.timeline.until(moment)
            if visit.last_s < moment and self.only(visit, moment)
        ]

    def unseen(self, moment: float) -> str | None:
        """A name that had not been seen by a moment: as often one that comes later in this world,
        where there is one, as one that comes only in others. None if all have been seen."""
        seen = set(self.timeline.distinct(moment))
        names = dict.fromkeys(visit.name for visit in self.timeline.visits)
        later = [name for name in names if name not in seen]
        if later and self.rng.random() < 0.5:
            return self.pick(later)
        other = self._troupe.another(names, self.rng)
        return self.pick(later) if other is None and later else other

    def question(
        self,
        kind: str,
        template: str,
        text: str,
        moment: float,
        answer: Answer,
        horizon_s: float,
    ) -> Question:
        return Question(
            id=f"{self._label}-{kind}-{int(self.rng.integers(2**40)):010x}",
            kind=kind,
            template=template,
            text=text,
            moment_s=moment,
            asked_at=self.start + timedelta(seconds=moment),
            answer=answer,
            horizon_s=horizon_s,
        )
