"""A process in which something hangs ends, and says where it hung; another goes on."""

import subprocess
import sys

import pytest


def ran(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


LIMITED = """
import ctypes, sys, threading, time
from flashstream.hanging import ended_if_longer

def holds_pythons_lock():
    ctypes.PyDLL(None).sleep(40)

def sleeps():
    time.sleep(40)

def in_a_thread():
    thread = threading.Thread(target=sleeps)
    thread.start()
    thread.join()

with ended_if_longer({limit_s}):
    {within}
time.sleep({limit_s} + 0.3)
print("went on")
"""


@pytest.mark.parametrize(
    ("within", "told"),
    [
        ("sleeps()", "in sleeps"),
        ("holds_pythons_lock()", "in holds_pythons_lock"),
        ("in_a_thread()", "in sleeps"),
    ],
)
def test_what_hangs_is_ended_and_named(within: str, told: str) -> None:
    done = ran(LIMITED.format(limit_s=0.3, within=within))
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stdout == ""


def test_what_is_done_in_time_is_left_alone() -> None:
    done = ran(LIMITED.format(limit_s=2.0, within="time.sleep(0.01)"))
    assert (done.returncode, done.stdout) == (0, "went on\n")


BESIDE = """
import threading, time
from flashstream.hanging import ended_if_longer

def stuck():
    with ended_if_longer(0.5):
        time.sleep(40)

threading.Thread(target=stuck).start()
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    with ended_if_longer(5.0):
        time.sleep(0.01)
print("went on")
"""


def test_what_hangs_beside_what_does_not_is_ended() -> None:
    done = ran(BESIDE)
    assert (done.returncode, done.stdout) == (1, "")
    assert "in stuck" in done.stderr


FAILS = """
import time
from contextlib import suppress
from flashstream.hanging import ended_if_longer

with suppress(ValueError), ended_if_longer(2.0):
    raise ValueError
time.sleep(2.3)
print("went on")
"""


def test_what_fails_in_time_is_left_alone() -> None:
    done = ran(FAILS)
    assert (done.returncode, done.stdout) == (0, "went on\n")


ENCODER = """
import time
from types import SimpleNamespace

import numpy as np

from flashstream.actors import ray_actors
from flashstream.config import load
from flashstream.telemetry import NullTelemetry

def stuck(frames):
    time.sleep(40)

ray_actors.configured = lambda _: SimpleNamespace(
    encoder=lambda _: SimpleNamespace(encode=stuck)
)
settings = load(overrides={"encoder.stall_s": 0.3}, environ={})
encoder = ray_actors.build_encoder(settings, NullTelemetry())
encoder.submit(np.zeros((2, 2, 3), np.uint8)).result()
"""

FLEET = """
import time
from types import SimpleNamespace

from flashstream.actors import ray_actors

def stuck():
    time.sleep(40)

ray_actors._ROUND_HANGS_S = 0.3
fleet = object.__new__(ray_actors.FleetActor)
fleet._supervisor = SimpleNamespace(reconcile=stuck)
fleet._round()
"""


@pytest.mark.parametrize("part", [ENCODER, FLEET], ids=["encoder", "fleet"])
def test_a_part_that_hangs_ends_for_ray_to_start_it_again(part: str) -> None:
    done = ran(part)
    assert done.returncode == 1
    assert "in stuck" in done.stderr
