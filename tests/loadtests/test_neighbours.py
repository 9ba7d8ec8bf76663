"""What competes with a service for the machine."""

import time

import psutil

from flashstream.loadtests.neighbours import neighbours


def test_they_compute_until_the_context_ends() -> None:
    with neighbours(2) as processes:
        known = [psutil.Process(each.pid) for each in processes]
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not all(p.cpu_times().user > 0.1 for p in known):
            time.sleep(0.1)
        assert all(p.cpu_times().user > 0.1 for p in known)
    assert len(known) == 2
    assert not any(p.is_running() for p in known)
