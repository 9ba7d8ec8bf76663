"""Starts Ray's head, does to it what has its processes begin threads, and prints how many of gRPC's
there were before and after, as JSON: of the GCS's pool where it is paused, of the raylet's old one
where actors die together; and of the GCS's old one how many it may have and has after a rush."""

import json
import os
import sys
import time
from contextlib import suppress
from typing import Final

import psutil

from flashstream import config
from flashstream.errors import NotReadyError
from flashstream.loadtests.gcs_rush import gcs_rush
from flashstream.loadtests.resources import thread_names
from flashstream.loadtests.service import free_port, until
from flashstream.ray_head import RayHead

ACTORS: Final = 8
RUSHED: Final = 4
"""Threads that a rush begins at the least."""

CORES: Final = "RAY_num_grpc_internal_threads"
"""What Ray's gRPC takes for the number of cores."""


def threads(process: psutil.Process, pool: str) -> int:
    """Threads of that name; the kernel keeps fifteen letters of it."""
    return sum(names[pool] for names in thread_names([process]).values())


def of_pauses(gcs: psutil.Process) -> tuple[int, int]:
    """The GCS's pool, before and after it was paused thrice."""
    before = until(lambda: threads(gcs, "event_engine"))
    for _ in range(3):
        gcs.suspend()
        time.sleep(4)
        gcs.resume()
        time.sleep(1)
    with suppress(NotReadyError):
        until(lambda: threads(gcs, "event_engine") <= before, 40)
    return before, threads(gcs, "event_engine")


def of_deaths(raylet: psutil.Process) -> tuple[int, int]:
    """The raylet's old pool, before and after the connections to eight actors closed, thrice."""
    import ray

    actor = ray.remote(num_cpus=0)(_Echo)
    before = threads(raylet, "default-executo")
    for _ in range(3):
        started = [actor.remote() for _ in range(ACTORS)]
        ray.get([each.said.remote() for each in started])
        for each in started:
            ray.kill(each)
        time.sleep(4)
    return before, threads(raylet, "default-executo")


def of_a_rush(gcs: psutil.Process, raylet: psutil.Process) -> tuple[int, int]:
    """The bound of the GCS's old pool, and how many there are after a rush."""
    with gcs_rush([raylet]):
        time.sleep(8)
        with suppress(NotReadyError):  # where other tests take the cores, they meet later
            until(lambda: threads(gcs, "default-executo") >= RUSHED, 60)
    return 2 * int(os.environ[CORES]), threads(gcs, "default-executo")


class _Echo:
    def said(self) -> bool:
        return True


RayHead.start(config.load(overrides={"metrics.port": free_port()}, environ={}))
named = {each.name(): each for each in psutil.Process().children()}
gcs, raylet = named["gcs_server"], named["raylet"]
found = {"pauses": of_pauses(gcs), "deaths": of_deaths(raylet), "rush": of_a_rush(gcs, raylet)}
sys.stdout.write(json.dumps(found))
