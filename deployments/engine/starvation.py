"""Time as it passes for another process: what it waits for a core does not count."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


class Unstarved:
    """A clock, in seconds, that stands still while a thread of the process could run but is given
    no core: one that yields to all others on a busy machine is late, and does not hang.

    Linux tells how long each thread has waited so (`/proc/PID/task/TID/schedstat`, in ns); where
    nothing is told, time passes as on `clock`.
    """

    def __init__(
        self, pid: int, clock: Callable[[], float] = time.monotonic, proc: Path = _PROC
    ) -> None:
        self._tasks = proc / str(pid) / "task"
        self._clock = clock
        self._seen_s = clock()
        self._waits_s = self._read()
        self._stood_s = 0.0

    def __call__(self) -> float:
        now, waits = self._clock(), self._read()
        # Threads wait at the same time: the one that waited longest tells for how long any did.
        longest = max((s - self._waits_s.get(task, 0.0) for task, s in waits.items()), default=0.0)
        self._stood_s += min(longest, now - self._seen_s)
        self._seen_s, self._waits_s = now, waits
        return now - self._stood_s

    def _read(self) -> dict[str, float]:
        waits: dict[str, float] = {}
        with suppress(OSError):
            for task in self._tasks.iterdir():
                with suppress(OSError, IndexError, ValueError):  # it has ended since, or no Linux
                    waits[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
        return waits
