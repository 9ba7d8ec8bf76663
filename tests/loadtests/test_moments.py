"""Moments: one in each stretch of time, in step with no beat."""

from itertools import islice

import numpy as np

from flashstream.loadtests.moments import moments


def test_there_is_one_in_each_stretch_but_no_beat() -> None:
    found = np.array(list(islice(moments(10.0), 1000)))
    assert (found // 10 == np.arange(1000)).all()
    for beat_s in (1.0, 5.0, 10.0, 20.01):
        # On a circle, phases that are all the same have a mean of length 1, random ones nearly 0.
        assert abs(np.exp(2j * np.pi * found / beat_s)[:180].mean()) < 0.2, beat_s
    assert list(islice(moments(10.0), 1000)) == found.tolist()
