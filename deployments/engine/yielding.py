"""How the engine's process yields to all others where it computes on the CPU."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

IDLE: Final = 20
"""One step nicer than the nicest: for what else is idle, and not all of that."""

_THREAD: Final = Path("/proc/thread-self/schedstat")
_BORNE: Final = 2.0
_TIMES: Final = 8.0
_MOST_S: Final = 2.0
_STEP_S: Final = 30.0


def yield_cores(niceness: int) -> None:
    """Have this thread, and all that it starts from now on, get a core after others."""
    os.nice(niceness)
    if niceness >= IDLE:
        with suppress(OSError):  # where it is forbidden, niceness is what there is
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def yields_most() -> bool:
    """Whether this thread yields as `IDLE` asks."""
    return os.sched_getscheduler(0) == os.SCHED_IDLE


class Pauses:
    """Pauses in the steps of a model that had to wait for a core, so that it waits less.

    The little that it is given on a full machine costs others more than that: with a sixth of one
    of two cores it took a quarter of the frames of 32 cameras. Therefore a layer that waited for
    more than twice the time that it ran, for it had less than a third of a core, is followed by a
    pause of eight times what is beyond that: two seconds at most, and no more than half a minute in
    a step, which is not to be taken for one that hangs.

    All methods are called by the thread that makes the steps. read: seconds that it has run, and
    has waited for a core (Linux tells both). Where nothing is told, there are no pauses.
    """

    def __init__(
        self,
        read: Callable[[], tuple[float, float]] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._read = read or _times_s
        self._sleep = sleep
        self._seen_s = self._read()
        self._left_s = _STEP_S

    def step(self) -> None:
        """A step begins."""
        self._left_s = _STEP_S

    def layer(self) -> None:
        """A layer of it begins."""
        ran, waited = (now - before for now, before in zip(self._read(), self._seen_s, strict=True))
        pause_s = min(_TIMES * (waited - _BORNE * ran), _MOST_S, self._left_s)
        if pause_s > 0:
            self._sleep(pause_s)
            self._left_s -= pause_s
        self._seen_s = self._read()


def _times_s() -> tuple[float, float]:
    with suppress(OSError, IndexError, ValueError):
        ran, waited = _THREAD.read_text().split()[:2]
        return int(ran) / 1e9, int(waited) / 1e9
    return 0.0, 0.0
