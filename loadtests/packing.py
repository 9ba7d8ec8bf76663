"""What a camera's process costs, and what it costs when several cameras share one."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flashstream.bench.machine import machine_facts
from flashstream.errors import InvalidRequestError
from flashstream.loadtests.cameras import Scenes, cameras, films
from flashstream.loadtests.resources import Reading, read
from flashstream.loadtests.service import Service, check_own, until
from flashstream.models.family import Progress

_LIVE_S: Final = 400.0
_TOGETHER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """cameras: watched at fps frames a second each. per_process: the ways to pack them, the first
    of them the one that the others are compared with. Each is measured for window_s."""

    cameras: int = 100
    fps: float = 0.2
    per_process: Sequence[int] = (1, 10)
    window_s: float = 30.0

    def __post_init__(self) -> None:
        if len(self.per_process) < 2 or min(self.per_process) < 1 or self.cameras < 1:
            raise InvalidRequestError("packing compares two ways or more, each of one or more")


def run(sets: Sequence[str], report: Progress, fleet: Fleet | None = None) -> dict[str, Any]:
    """The same cameras, packed one way after another, each in a service of its own.

    Raises what starting a service raises.
    """
    fleet = fleet or Fleet()
    check_own(sets)
    facts = machine_facts()
    names = [f"camera-{number:03d}" for number in range(fleet.cameras)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flashstream-pack-")))
        server = stack.enter_context(cameras(names, films(folder, report, Scenes(seconds=60.0))))
        urls = {name: server.url(name) for name in names}
        rows = [
            _packed(folder / f"{each}", each, urls, sets, fleet, report)
            for each in fleet.per_process
        ]
    return {
        "cameras": fleet.cameras,
        "fps": fleet.fps,
        "ways": rows,
        "ratio": {
            what: round(rows[0][what] / rows[-1][what], 2)
            for what in ("uss_bytes_per_camera", "cpu_per_camera", "threads_per_camera")
        },
        "settings": list(sets),
        "machine": facts,
    }


def _packed(
    folder: Path,
    per_process: int,
    urls: dict[str, str],
    sets: Sequence[str],
    fleet: Fleet,
    report: Progress,
) -> dict[str, Any]:
    folder.mkdir()
    what = f"{len(urls)} cameras, {per_process} in a process"
    report(what, 0.0)
    own = [f"streams.per_process={per_process}", "streams.limit=1000"]
    with Service(folder, [*own, *sets]) as service, service.client() as client:
        began = time.monotonic()
        for name, url in urls.items():
            client.add_stream(name, url, fps=fleet.fps, check=False)
        until(lambda: all(s["frames_seen"] > 1 for s in client.streams()), _LIVE_S, 1.0)
        took = time.monotonic() - began
        report(what, 0.5)
        time.sleep(_TOGETHER_S)
        before, at = read(service.processes()), time.monotonic()
        time.sleep(fleet.window_s)
        after, seconds = read(service.processes()), time.monotonic() - at
    report(what, 1.0)
    return {"per_process": per_process, "all_seen_s": round(took, 1)} | _costs(
        before, after, seconds, len(urls)
    )


def _costs(before: Reading, after: Reading, seconds: float, cameras: int) -> dict[str, float]:
    use = after.by_kind["stream"]
    spent = use.cpu_s - before.by_kind["stream"].cpu_s
    fleet = after.by_kind["fleet"].cpu_s - before.by_kind["fleet"].cpu_s
    return {
        "processes": use.processes,
        "rss_bytes_per_camera": round(use.rss / cameras),
        "uss_bytes_per_camera": round(use.uss / cameras),
        "cpu_per_camera": round(spent / seconds / cameras, 4),
        "fleet_cpu": round(fleet / seconds, 4),
        "threads_per_camera": round(use.threads / cameras, 1),
    }
