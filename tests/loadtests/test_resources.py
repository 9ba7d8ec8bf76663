"""Which of a service's processes is what."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from flashstream.loadtests.resources import kind, read


@contextmanager
def running(*command: str) -> Iterator[psutil.Process]:
    """A process that shows this command and sleeps."""
    with subprocess.Popen(
        [*command, "-c", "import time; print(flush=True); time.sleep(60)"],
        executable=sys.executable,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield psutil.Process(process.pid)
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
        ("/opt/ray/core/src/ray/gcs/gcs_server", "gcs"),
        ("/opt/ray/core/src/ray/raylet/raylet", "raylet"),
        ("something", "rest"),
    ],
)
def test_a_process_is_known_by_its_title_or_program(command: str, name: str) -> None:
    with running(command) as process:
        assert kind(process) == name


def test_all_that_is_read_is_of_a_kind_and_what_is_gone_is_left_out() -> None:
    with running("ray::EncoderActor") as encoder, running("something") as other:
        gone = psutil.Process(other.pid)
        other.kill()
        other.wait(10)
        reading = read([encoder, gone])
    assert set(reading.by_kind) == {"encoder"}
    assert reading.by_kind["encoder"].processes == 1
    assert reading.total("threads") >= 1
    assert reading.total("rss") > 1 << 20
