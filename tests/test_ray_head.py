"""Whether Ray's head lives, told from its processes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flashstream.ray_head import RayHead

NAMES = ("raylet", "gcs_server", "log_monitor")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Processes of Ray's names that do nothing."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    started = {}
    for name in NAMES:
        shutil.copy(sleep, tmp_path / name)
        started[name] = subprocess.Popen([tmp_path / name, "600"])
    yield started
    for process in started.values():
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_the_one_that_died_is_named_once_it_has(
    processes: dict[str, subprocess.Popen[bytes]], name: str
) -> None:
    head = RayHead([psutil.Process(each.pid) for each in processes.values()])
    assert head.dead == ""
    processes[name].kill()
    os.waitid(os.P_PID, processes[name].pid, os.WEXITED | os.WNOWAIT)  # a zombie stays
    assert head.dead == name
    processes[name].wait()
    assert head.dead == name


def test_it_lives_on_without_those_that_are_not_vital(
    processes: dict[str, subprocess.Popen[bytes]],
) -> None:
    head = RayHead([psutil.Process(each.pid) for each in processes.values()])
    processes["log_monitor"].kill()
    processes["log_monitor"].wait()
    assert head.dead == ""


def test_what_is_left_of_it_is_ended(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    head = RayHead([psutil.Process(each.pid) for each in processes.values()])
    processes["raylet"].kill()
    head.end()
    assert not any(psutil.pid_exists(each.pid) for each in processes.values())


def test_ray_keeps_no_thread_of_a_pause_nor_of_connections_that_close() -> None:
    """By default the GCS begins one or two at each pause, and the raylet one or more where eight
    actors die together; both keep them for ever. What the GCS begins in a rush is bounded."""
    done = subprocess.run(
        [sys.executable, "-m", "support.ray_threads"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for before, after in found.values():
        assert 0 < after <= before, found
    assert found["rush"][1] >= 4, found
    assert "Unknown experiment" not in done.stderr
