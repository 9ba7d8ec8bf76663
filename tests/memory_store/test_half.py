"""The fast conversion against numpy's, for every finite float16."""

import numpy as np

from flashstream.memory_store.half import finite, widened


def test_every_finite_half() -> None:
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)]
    assert widened(finite).tobytes() == finite.astype(np.float32).tobytes()


def test_shapes_and_strides_are_kept() -> None:
    halves = np.arange(24, dtype=np.float16).reshape(2, 3, 4)
    for view in (halves, halves.transpose(2, 0, 1), halves[:, ::2], halves[:0]):
        assert np.array_equal(widened(view), view.astype(np.float32))
        assert widened(view).shape == view.shape


def test_each_number_that_is_not_finite_is_found() -> None:
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    found = np.array([finite(one[np.newaxis]) for one in halves])
    assert np.array_equal(found, np.isfinite(halves))
    assert finite(halves[:0])
