"""Keeps a process that lives for weeks from growing by what it has freed."""

import ctypes

_M_MMAP_THRESHOLD = -3  # glibc's malloc.h
_LARGE = 128 << 10


def give_back_large() -> bool:
    """Have freed buffers of 128 KiB and more go back to the system at once; False where the C
    library is not glibc.

    glibc does so at first, but raises the limit with each such buffer that is freed, to 32 MiB at
    most: frames, features and snapshots then come from the heap, whose holes between small things
    that stay are never given back. It costs a page fault for each 4 KiB of such a buffer.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, _LARGE) == 1
