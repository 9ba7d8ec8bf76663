"""Which questions are let in: no more than may wait, and none that would be answered too late."""

import time
from collections.abc import Callable

from flashstream.errors import OverloadedError

_WEIGHT = 0.2  # of the newest interval in the mean


class Admission:
    """Counts open questions, and knows how fast answers come while the engines' batches are full.

    By Little's law a question that finds N open ones is then answered after N intervals between
    answers. If that is later than it may be, it is refused at once rather than after its deadline,
    when the work on it would be lost. While there is a free place in a batch, any is let in.

    A place can be free and still not be reached in time: where reading one question takes seconds,
    a dozen of them, given up and replaced by others before their first words, would keep an engine
    busy with nothing. So each question that nothing was said to in its time halves how many are let
    in, and each that is answered well within it doubles that again. For one thread.
    """

    def __init__(self, most: int, batch: int, clock: Callable[[], float] = time.monotonic) -> None:
        """most: open questions at once, however fast answers come. batch: how many are answered
        together; until so many are open, the next costs the others little."""
        self._most = most
        self._batch = batch
        self._in_time = batch  # how many are answered together in their time
        self._clock = clock
        self._open = 0
        self._interval_s = 0.0
        self._since_s: float | None = None  # of the last answer, while batches are full

    def enter(self, deadline_s: float) -> None:
        """Let a question in; raises `OverloadedError`. `leave` follows, whatever becomes of it."""
        if self._open >= self._most:
            raise OverloadedError(
                f"{self._open} questions are being answered, the most at once here; "
                "try again in a second",
                max_ongoing=self._most,
            )
        if self._open >= self._in_time and self._in_time < self._batch:
            raise OverloadedError(
                f"{self._open} questions are open, and of late no more than {self._in_time} "
                "were answered in time; try again in a second",
                open=self._open,
                in_time=self._in_time,
            )
        interval_s = self._interval()
        wait_s = self._open * interval_s
        if self._open >= self._batch and wait_s > deadline_s:
            raise OverloadedError(
                f"{self._open} questions are open and one is answered every {interval_s:.1f} s: "
                f"this one would be answered in {wait_s:.0f} s, past its deadline of "
                f"{deadline_s:g} s; try again in {wait_s - deadline_s:.0f} s",
                open=self._open,
                wait_s=round(wait_s, 1),
                deadline_s=deadline_s,
            )
        self._open += 1
        if self._open == self._batch:
            self._since_s = self._clock()

    def unheard(self) -> None:
        """A question, open still, has had all the time there is, and not a word was said to it."""
        self._in_time = max(1, min(self._in_time, self._open) // 2)

    def at_ease(self) -> None:
        """A question was answered in half of its time, or less."""
        self._in_time = min(self._batch, self._in_time * 2)

    def leave(self, *, answered: bool) -> None:
        """A question that was let in is no longer open."""
        if answered and self._since_s is not None:
            now = self._clock()
            newest = now - self._since_s
            self._interval_s += (_WEIGHT if self._interval_s else 1.0) * (newest - self._interval_s)
            self._since_s = now
        self._open -= 1
        if self._open < self._batch:
            self._since_s = None

    def _interval(self) -> float:
        """Seconds between answers; longer if the next has been awaited for longer already."""
        if self._since_s is None:
            return self._interval_s
        return max(self._interval_s, self._clock() - self._since_s)
