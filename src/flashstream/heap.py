"""How the C library keeps memory that is freed."""

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1  # glibc's malloc.h
_MMAP_THRESHOLD: Final = -3
_BYTES: Final = 1 << 30

ENVIRONMENT: Final = {
    "MALLOC_TRIM_THRESHOLD_": str(_BYTES),
    "MALLOC_MMAP_THRESHOLD_": str(_BYTES),
    "MALLOC_ARENA_MAX": "1",
}
"""The same for a process that computes in a thread: the heaps that glibc gives to threads are too
small for a batch's layers, so that all shall use the first."""


def keep_freed() -> None:
    """Have this process keep freed blocks of up to a gigabyte for its next requests.

    By default glibc gives each large block back at once and asks the kernel anew, page by page, for
    the next: a third of the time of a network on a CPU, whose layers are large and short-lived. The
    process keeps its peak instead. Does nothing where the C library has no `mallopt`.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for threshold in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            mallopt(threshold, _BYTES)
