"""A world's frames and clock, seen from a camera that shows it now."""

import re
from datetime import UTC, datetime, time, timedelta
from math import floor
from typing import Final

from flashstream.evals.world.questions.question import Question

_EARLY: Final = 0.05  # of a frame: how much before its time it may be said to have been seen
_CLOCK: Final = re.compile(r"\b\d{2}:\d{2}:\d{2}\b")
_ANY_DAY: Final = datetime(2000, 1, 1)


def frame_at(moment_s: float, fps: float) -> int:
    """The number of the newest frame at a moment of the world."""
    return floor(moment_s * fps + 1e-6)


class FrameTimes:
    """When the frames of a world were seen, as the stream that watches it tells.

    Frame n is on show from `started_s` + n / fps until the next is. Of frames that were not told
    of, the time is taken from the nearest that was: a camera's frames are evenly spaced.
    """

    def __init__(self, started_s: float, fps: float) -> None:
        """started_s: Unix time at which frame 0 went out."""
        self._started_s = started_s
        self._fps = fps
        self._told: dict[int, float] = {}

    def note(self, as_of: float) -> int:
        """The number of the frame that was seen at a Unix time, told by the stream."""
        number = self.number(as_of)
        self._told[number] = as_of
        return number

    def number(self, as_of: float) -> int:
        """The number of the frame on show at a Unix time; below 0 before the first."""
        return floor((as_of - self._started_s) * self._fps + _EARLY)

    def time(self, number: int) -> float:
        """Unix seconds, whole microseconds, at which a frame was seen; one at least was told of."""
        if number in self._told:
            return self._told[number]
        nearest = min(self._told, key=lambda told: abs(told - number))
        return round(self._told[nearest] + (number - nearest) / self._fps, 6)


class LiveQuestion:
    """A question of a world as it is asked while the world is shown at another time of day."""

    def __init__(self, question: Question, seen_s: float) -> None:
        """seen_s: Unix time at which the frame of the question's moment was seen."""
        self._question = question
        self.asked_at = datetime.fromtimestamp(seen_s, UTC)

    @property
    def text(self) -> str:
        """With every clock time moved as the world's clock is, to the second."""
        behind = (self.asked_at - self._question.asked_at).total_seconds()
        shift = timedelta(seconds=round(behind))

        def moved(match: re.Match[str]) -> str:
            at = datetime.combine(_ANY_DAY, time.fromisoformat(match.group())) + shift
            return f"{at:%H:%M:%S}"

        return _CLOCK.sub(moved, self._question.text)

    def right(self, said: str) -> bool:
        """Whether a text is a right answer, its clock times being of the time of asking."""
        return self._question.answer.accepts(said, self.asked_at)
