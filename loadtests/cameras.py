"""A synthetic fleet: RTSP cameras that show generated worlds, each for ever."""

import math
from collections.abc import Iterator, Sequence
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


def dealt(names: Sequence[str], films: Sequence[Path]) -> dict[str, Path]:
    """Which camera shows which film."""
    return {name: films[place % len(films)] for place, name in enumerate(names)}


@contextmanager
def cameras(names: Sequence[str], films: Sequence[Path]) -> Iterator[RtspServer]:
    """Cameras of these names, on one server on loopback, while the context lasts."""
    # Cameras of the world do not all take their pictures at the same moment.
    mounts = {
        name: Mount(film, delay_s=place * _GOLDEN % 1)
        for place, (name, film) in enumerate(dealt(names, films).items())
    }
    with RtspServer(mounts) as server:
        yield server


def films(folder: Path, report: Progress, scenes: Scenes | None = None) -> list[Path]:
    """Film the worlds into a folder."""
    scenes = scenes or Scenes()
    out = []
    for seed in range(scenes.count):
        report("filming the cameras' worlds", seed / scenes.count)
        spec = WorldSpec("dev", seed + 1, scenes.seconds, visits=scenes.visits)
        out.append(film(World(spec), folder / f"scene-{seed}.mp4", hold=PICTURES_PER_S))
    report("filming the cameras' worlds", 1.0)
    return out
