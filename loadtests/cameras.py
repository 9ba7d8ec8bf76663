"""A synthetic fleet: RTSP cameras that show generated worlds, each for ever."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.evals.world.film import film
from flashstream.evals.world.world import World, WorldSpec
from flashstream.models.family import Progress

PICTURES_PER_S: Final = 5
"""That a camera sends; a service samples fewer."""

_GOLDEN: Final = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Scenes:
    """What the cameras show: `count` worlds of `seconds` each, dealt to the cameras in turn.

    visits: how many times someone comes in each.
    """

    count: int = 4
    seconds: float = 120.0
    visits: int = 3


@contextmanager
def cameras(
    names: list[str], folder: Path, report: Progress, scenes: Scenes | None = None
) -> Iterator[RtspServer]:
    """Cameras of these names, on one server on loopback, while the context lasts."""
    films = _films(scenes or Scenes(), folder, report)
    # Cameras of the world do not all take their pictures at the same moment.
    mounts = {
        name: Mount(films[place % len(films)], delay_s=place * _GOLDEN % 1)
        for place, name in enumerate(names)
    }
    with RtspServer(mounts) as server:
        yield server


def _films(scenes: Scenes, folder: Path, report: Progress) -> list[Path]:
    out = []
    for seed in range(scenes.count):
        report("filming the cameras' worlds", seed / scenes.count)
        spec = WorldSpec("dev", seed + 1, scenes.seconds, visits=scenes.visits)
        out.append(film(World(spec), folder / f"scene-{seed}.mp4", hold=PICTURES_PER_S))
    report("filming the cameras' worlds", 1.0)
    return out
