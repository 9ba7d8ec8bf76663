"""What hangs is ended, so that whoever starts processes starts it anew."""

import faulthandler
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_STDERR: Final = 2  # not `sys.stderr`, which Ray and tests put others in place of
_LEAST_S: Final = 0.001  # faulthandler takes no time that has passed

_lock = threading.Lock()  # guards the deadlines, and which of them faulthandler has
_deadlines: list[float] = []


@contextmanager
def ended_if_longer(limit_s: float) -> Iterator[None]:
    """End this process (exit code 1) if what is done within takes longer than `limit_s` seconds,
    with where each of its threads is on standard error.

    It works while a driver or a library holds Python's lock, too, and in several threads at once.
    """
    deadline = time.monotonic() + limit_s
    with _lock:
        _deadlines.append(deadline)
        _watch_for_next()
    try:
        yield
    finally:
        with _lock:
            _deadlines.remove(deadline)
            _watch_for_next()


def _watch_for_next() -> None:
    """faulthandler has one timer in a process: it gets the deadline that is next."""
    if _deadlines:
        left_s = max(min(_deadlines) - time.monotonic(), _LEAST_S)
        faulthandler.dump_traceback_later(left_s, exit=True, file=_STDERR)
    else:
        faulthandler.cancel_dump_traceback_later()
