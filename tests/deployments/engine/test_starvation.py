"""A process that is given no core is not taken for one that hangs."""

import os
import time
from pathlib import Path

import psutil
import pytest
from support.neighbours import keep_on, neighbours

from flashstream.deployments.engine.starvation import Unstarved
from flashstream.loadtests.service import until


class Proc:
    """What Linux would tell of process 7."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 100.0

    def waited(self, task: int, seconds: float) -> None:
        folder = self.root / "7" / "task" / str(task)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schedstat").write_text(f"123 {int(seconds * 1e9)} 9\n")

    def clock(self) -> Unstarved:
        return Unstarved(7, clock=lambda: self.now, proc=self.root)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def test_only_what_is_not_waited_for_a_core_passes(proc: Proc) -> None:
    proc.waited(7, 50.0)
    clock = proc.clock()
    proc.now += 10
    assert clock() == 110.0
    proc.waited(7, 58.0)
    proc.now += 10
    assert clock() == pytest.approx(112.0)
    proc.now += 5
    assert clock() == pytest.approx(117.0)


def test_threads_that_wait_together_are_not_added_up(proc: Proc) -> None:
    proc.waited(7, 0.0)
    clock = proc.clock()
    proc.waited(7, 3.0)
    proc.waited(8, 4.0)
    proc.now += 10
    assert clock() == pytest.approx(106.0)


def test_it_never_goes_back(proc: Proc) -> None:
    proc.waited(7, 0.0)
    clock = proc.clock()
    proc.waited(7, 99.0)
    proc.now += 10
    assert clock() == 100.0


def test_where_nothing_is_told_time_passes(proc: Proc) -> None:
    clock = proc.clock()
    proc.now += 10
    assert clock() == 110.0


def test_a_starved_process_and_one_that_stands_still() -> None:
    core = min(os.sched_getaffinity(0))
    with neighbours(1) as (last,):
        process = psutil.Process(last.pid)
        keep_on(core, process, niceness=19)
        clock = Unstarved(process.pid)

        def passed_of(seconds: float) -> float:
            """The share of a time that passes for it."""
            since, passed = time.monotonic(), clock()
            time.sleep(seconds)
            return (clock() - passed) / (time.monotonic() - since)

        with neighbours(3) as others:
            for each in others:
                keep_on(core, psutil.Process(each.pid))
            assert passed_of(3) < 0.4
        process.suspend()
        until(lambda: passed_of(1) > 0.9)  # to stop, too, it needs a core
