"""What hangs is ended, so that whoever starts processes starts it anew."""

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2  # not `sys.stderr`, which Ray and tests put others in place of


@contextmanager
def ended_if_longer(limit_s: float) -> Iterator[None]:
    """End this process (exit code 1) if what is done within takes longer than `limit_s` seconds,
    with where each of its threads is on standard error.

    It works while a driver or a library holds Python's lock, too. One at a time in a process.
    """
    faulthandler.dump_traceback_later(limit_s, exit=True, file=_STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
