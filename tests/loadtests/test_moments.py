"""Moments: one in each stretch of time, in step with no beat."""

from itertools import islice

import numpy as np
import pytest

from flashstream.loadtests.moments import looks, moments


class Clock:
    """Time that goes on only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


def test_there_is_one_in_each_stretch_but_no_beat() -> None:
    found = np.array(list(islice(moments(10.0), 1000)))
    assert (found // 10 == np.arange(1000)).all()
    for beat_s in (1.0, 5.0, 10.0, 20.01):
        # On a circle, phases that are all the same have a mean of length 1, random ones nearly 0.
        assert abs(np.exp(2j * np.pi * found / beat_s)[:180].mean()) < 0.2, beat_s
    assert list(islice(moments(10.0), 1000)) == found.tolist()


def test_a_look_is_taken_at_each_moment_until_the_end() -> None:
    clock = Clock()
    found = list(looks(5.0, 60.0, clock, clock.sleep))
    assert found == pytest.approx(list(islice(moments(5.0), 12)))
    assert clock.now == pytest.approx(160.0)


def test_a_look_that_takes_long_makes_the_next_ones_late() -> None:
    clock, found = Clock(), []
    for gone_s in looks(5.0, 60.0, clock, clock.sleep):
        found.append(gone_s)
        clock.sleep(21.0 if len(found) == 1 else 0.0)
    wanted = list(islice(moments(5.0), 12))
    assert found == pytest.approx(
        [max(at, wanted[0] + 21.0 * (n > 0)) for n, at in enumerate(wanted)]
    )


def test_looks_end_though_the_last_took_longer() -> None:
    clock = Clock()
    for _ in looks(5.0, 60.0, clock, clock.sleep):
        clock.sleep(59.0)
    assert 160.0 <= clock.now < 220.0
