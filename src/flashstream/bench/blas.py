"""How many threads numpy's matrix products use."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def blas_threads(threads: int) -> Iterator[bool]:
    """Let products use so many threads at most within this context, as before after it.

    Yields False, with nothing changed, where numpy does not bring OpenBLAS of its own.
    """
    library = openblas()
    if library is None:
        yield False
        return
    before = library.scipy_openblas_get_num_threads64_()
    library.scipy_openblas_set_num_threads64_(threads)
    try:
        yield True
    finally:
        library.scipy_openblas_set_num_threads64_(before)


def openblas() -> ctypes.CDLL | None:
    """The library that numpy's wheels bring, which is loaded already."""
    libraries = Path(np.__file__).parent.parent / "numpy.libs"
    for path in sorted(libraries.glob("libscipy_openblas64_*.so*")):
        library = ctypes.CDLL(str(path))
        if hasattr(library, "scipy_openblas_set_num_threads64_"):
            return library
    return None
