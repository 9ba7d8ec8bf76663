"""Whether a process lives."""

import psutil


def lives(process: psutil.Process) -> bool:
    """Whether it runs. One that has ended and is only not reaped yet by its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
