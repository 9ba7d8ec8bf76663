"""When to start again what keeps crashing."""

import random
from collections import deque
from collections.abc import Callable

FIRST_S = 1.0
LONGEST_S = 300.0
WELL_S = 60.0
_REMEMBERED = 20


def _jitter() -> float:
    # Keeps watchers that died together from all starting together.
    return random.uniform(0.5, 1.0)


class CrashLoop:
    """Pauses between the starts of one watcher: none after a first crash, for most are no loop;
    then 1 s to 5 min, each shortened by chance by up to a half; begun again once it ran well for a
    minute. Times are seconds of one clock.
    """

    def __init__(self, jitter: Callable[[], float] = _jitter) -> None:
        self._jitter = jitter
        self._crashes: deque[float] = deque(maxlen=_REMEMBERED)
        self._why = ""
        self.count = 0
        self.next_s = 0.0

    def crashed(self, started_s: float, now_s: float, why: str) -> None:
        """It was started at that time, and has ended now."""
        if now_s - started_s >= WELL_S:
            self._crashes.clear()
            self.count = 0
        self.count += 1
        self._crashes.append(now_s)
        self._why = why
        pause = min(LONGEST_S, FIRST_S * 2.0 ** min(self.count - 2, 16)) if self.count > 1 else 0.0
        self.next_s = now_s + pause * self._jitter()

    def reason(self, now_s: float) -> str:
        """One line for people."""
        if self.count == 1:
            told = "crashed"
        else:
            span = self._crashes[-1] - self._crashes[0]
            told = f"crashed {len(self._crashes)} times in {span:.0f} s"
        wait = self.next_s - now_s
        then = f"next attempt in {wait:.0f} s" if wait > 0 else "is being started again"
        return f"{told}: {self._why}; {then}"
