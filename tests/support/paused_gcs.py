"""Starts Ray's head, pauses its GCS, and prints its pool's threads before and after, as JSON."""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from flashstream import config
from flashstream.errors import NotReadyError
from flashstream.loadtests.service import free_port, until
from flashstream.ray_head import RayHead


def pool(process: psutil.Process) -> int:
    """Threads of gRPC's event engine."""
    names = [path.read_text() for path in Path(f"/proc/{process.pid}/task").glob("*/comm")]
    return sum(name.startswith("event_engine") for name in names)


RayHead.start(config.load(overrides={"metrics.port": free_port()}, environ={}))
gcs = next(each for each in psutil.Process().children() if each.name() == "gcs_server")
before = until(lambda: pool(gcs))
for _ in range(3):
    gcs.suspend()
    time.sleep(4)
    gcs.resume()
    time.sleep(1)
with suppress(NotReadyError):
    until(lambda: pool(gcs) <= before, 40)
sys.stdout.write(json.dumps([before, pool(gcs)]))
