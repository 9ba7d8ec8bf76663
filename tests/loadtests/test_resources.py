"""Which of a service's processes is what."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from flashstream.loadtests.resources import changed, kind, read, thread_names

SLEEPS = "import time; print(flush=True); time.sleep(60)"
THREE_THREADS = f"""
import threading, time
for _ in range(2):
    threading.Thread(target=time.sleep, args=[60], daemon=True).start()
{SLEEPS}
"""
CHILD = "import os; print(os.getpid(), flush=True); os.read(0, 1)"
HAS_A_CHILD = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {CHILD!r}])"


@contextmanager
def running(*command: str) -> Iterator[tuple[psutil.Process, str]]:
    """A Python that shows this command, and its first line; it ends with the context."""
    with subprocess.Popen(
        command, executable=sys.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            yield psutil.Process(process.pid), said
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("ray::FleetActor", "fleet"),
        ("ray::FleetActor.ask_status", "fleet"),
        ("ray::ServeReplica:flashstream:answerer", "answerer"),
        ("ray::ServeReplica:flashstream:gateway", "gateway"),
        ("ray::ServeController.listen_for_change", "controller"),
        ("ray/core/src/ray/gcs/gcs_server", "gcs"),
        ("ray/core/src/ray/raylet/raylet", "raylet"),
        ("something", "rest"),
    ],
)
def test_a_process_is_known_by_its_title_or_program(command: str, name: str) -> None:
    with running(command, "-c", SLEEPS) as (process, _):
        assert kind(process) == name


def test_a_program_is_known_behind_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "log_monitor.py"
    script.write_text(SLEEPS)
    with running("python", "-u", str(script)) as (process, _):
        assert kind(process) == "ray_agents"


def test_an_engine_without_a_title_is_its_parents() -> None:
    with running("ray::ServeReplica:flashstream:answerer", "-c", HAS_A_CHILD) as (_, said):
        child = psutil.Process(int(said))
        assert kind(child) == "answerer"
    child.wait(30)


def test_all_that_is_read_is_of_a_kind_and_what_is_gone_is_left_out() -> None:
    with (
        running("ray::EncoderActor", "-c", SLEEPS) as (encoder, _),
        running("something", "-c", SLEEPS) as (gone, _),
    ):
        gone.kill()
        gone.wait(10)
        reading = read([encoder, gone])
    assert set(reading.by_kind) == {"encoder"}
    assert reading.by_kind["encoder"].processes == 1
    assert reading.total("threads") >= 1
    assert reading.total("rss") > 1 << 20


def test_threads_that_have_begun_are_named() -> None:
    with (
        running("ray::EncoderActor", "-c", SLEEPS) as (one, _),
        running("ray::EncoderActor", "-c", THREE_THREADS) as (three, _),
        running("ray::FleetActor", "-c", SLEEPS) as (fleet, _),
    ):
        before, after = thread_names([one, fleet]), thread_names([three, fleet])
        (name,) = before["encoder"]  # an interpreter's threads have its name
        assert changed(before, before) == {}
        assert changed(before, after) == {"encoder": {name: (1, 3)}}
        assert changed(before, thread_names([one])) == {"fleet": {name: (1, 0)}}
