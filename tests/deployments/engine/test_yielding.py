"""A language model that yields on a full machine gives others more than its turns."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from support.neighbours import keep_on, neighbours

from flashstream.deployments.engine.yielding import IDLE, Pauses, yield_cores, yields_most


class Steps:
    """A thread's times as Linux would tell them, and the pauses that come of them."""

    def __init__(self) -> None:
        self.ran = self.waited = 100.0
        self.paused: list[float] = []
        self.pauses = Pauses(lambda: (self.ran, self.waited), self.paused.append)

    def layer(self, ran: float, waited: float) -> list[float]:
        """The pauses after a layer of so many seconds."""
        self.ran += ran
        self.waited += waited
        self.paused.clear()
        self.pauses.layer()
        return list(self.paused)


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.mark.parametrize("waited", [0.0, 0.05, 0.0799])
def test_no_pause_follows_a_layer_that_had_a_third_of_a_core(steps: Steps, waited: float) -> None:
    assert steps.layer(0.04, waited) == []


def test_one_that_waited_longer_is_followed_by_a_pause_of_what_is_beyond(steps: Steps) -> None:
    assert steps.layer(0.04, 0.1) == [pytest.approx(8 * 0.02)]
    assert steps.layer(0.04, 0.08) == []


def test_no_pause_is_longer_than_two_seconds_and_no_step_s_than_thirty(steps: Steps) -> None:
    assert [steps.layer(1.0, 60.0) for _ in range(16)] == [[2.0]] * 15 + [[]]
    steps.pauses.step()
    assert steps.layer(1.0, 60.0) == [2.0]


def in_thread(call: Callable[[], None]) -> None:
    """In a thread of its own: yielding cannot be taken back."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result(60)


@pytest.mark.parametrize(("niceness", "idle"), [(0, False), (19, False), (IDLE, True)])
def test_only_who_yields_most_runs_where_nothing_else_does(niceness: int, idle: bool) -> None:
    def check() -> None:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        yield_cores(niceness)
        assert os.getpriority(os.PRIO_PROCESS, 0) == min(before + niceness, 19)
        assert yields_most() is idle

    in_thread(check)


def test_linux_tells_how_a_thread_fares() -> None:
    """On a core that others want, work is followed by a pause."""
    core = min(os.sched_getaffinity(0))
    paused: list[float] = []

    def check() -> None:
        os.sched_setaffinity(0, {core})
        yield_cores(IDLE)
        pauses = Pauses(sleep=paused.append)
        with neighbours(2) as others:
            for other in others:
                keep_on(core, psutil.Process(other.pid))
            while not paused:
                sum(range(20_000))
                pauses.layer()

    in_thread(check)
    assert 0 < paused[0] <= 2.0
