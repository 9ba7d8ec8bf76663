"""A world through the whole platform, and through one process: do the answers agree?"""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final

from flashstream.apart import apart
from flashstream.client import Client
from flashstream.config import Settings
from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.errors import InvalidRequestError, NotReadyError
from flashstream.evals.published.asking import respondent
from flashstream.evals.world.film import film
from flashstream.evals.world.live.agreement import Pair, agreement
from flashstream.evals.world.live.clock import FrameTimes
from flashstream.evals.world.live.interview import Interview, Said, Watched
from flashstream.evals.world.live.replay import answers, remember
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.sampler import KINDS, Wanted, sample
from flashstream.evals.world.world import World, WorldSpec
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import ModelFamily, Progress
from flashstream.models.registry import configured
from flashstream.platform import Platform

CAMERA_FPS: Final = 10.0
"""Pictures a second that the camera sends, as cameras do, however few frames the world has."""

_CONNECT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Live:
    """What came of asking through a platform, and when each frame was seen."""

    said: list[Said]
    times: FrameTimes
    watched: Watched


def run(
    settings: Settings, spec: WorldSpec, report: Progress, *, at_most: int = 60
) -> dict[str, Any]:
    """Start a platform of its own, show it the world as a camera, ask; then do the same without.

    at_most: questions. See `agreement` for what is returned; besides, "world" and "seconds".
    Raises what starting the platform raises, `InvalidRequestError` for a world of which nothing
    can be asked, and what `through_platform` raises.
    """
    began = time.monotonic()
    world = World(spec)
    questions = chosen(world, at_most)
    with tempfile.TemporaryDirectory(prefix="flashstream-live-") as folder:
        path = filmed(world, Path(folder), report)
        with Platform(apart(settings, Path(folder) / "data"), report) as platform:
            with Client(platform.url) as client:
                live = through_platform(client, world, path, questions, report)
            report("stopping", 0.0)
        report("stopping", 1.0)
        result = compared(settings, world, path, live, report)
    return {
        **{key: value for key, value in result.items() if key != "items"},
        "world": {
            "split": spec.split,
            "seed": spec.seed,
            "minutes": spec.length_s / 60,
            "fps": spec.fps,
        },
        "seconds": round(time.monotonic() - began, 1),
        "items": result["items"],
    }


def chosen(world: World, at_most: int) -> list[Question]:
    """Questions of all kinds in turn, `at_most` in all; fewer where the world gives fewer."""
    rounds = sample(world, Wanted(ceil(at_most / len(KINDS))))
    kinds = [[each for each in rounds if each.kind == kind] for kind in KINDS]
    turns = max(map(len, kinds))
    found = [kind[turn] for turn in range(turns) for kind in kinds if turn < len(kind)]
    if not found:
        raise InvalidRequestError("nothing can be asked of this world; a longer one has more")
    return found[:at_most]


def filmed(world: World, folder: Path, report: Progress) -> Path:
    """The film that the camera shows."""
    hold = max(1, round(CAMERA_FPS / world.spec.fps))
    path = folder / f"world-{world.spec.split}-{world.spec.seed}.mp4"
    return film(world, path, hold=hold, report=lambda share: report("filming the world", share))


def through_platform(
    client: Client, world: World, film: Path, questions: Sequence[Question], report: Progress
) -> Live:
    """Show a film to a running platform over RTSP, and ask about it over HTTP as it goes by.

    The film begins when the stream connects, so all of it is seen; the stream is removed in the
    end. Raises `NotReadyError` if the stream does not connect or stands still, `RemoteError`,
    `UnreachableServiceError`.
    """
    name, fps = film.stem, world.spec.fps
    with RtspServer({name: Mount(film, loop=False, on_demand=True)}) as cameras:
        # A look at the camera before it is accepted would be the first viewer, and begin the film.
        client.add_stream(name, cameras.url(name), fps=fps, check=False)
        try:
            times = FrameTimes(_started(cameras, name), fps)
            interview = Interview(client, name, times, fps)
            said = interview.ask(questions, report)
            return Live(said, times, interview.watched())
        finally:
            client.remove_stream(name)


def compared(
    settings: Settings, world: World, film: Path, live: Live, report: Progress
) -> dict[str, Any]:
    """The same questions asked of what one process remembers of the film at the same frames."""
    family = configured(settings)
    numbers = {said.number for said in live.said} | {live.watched.number}
    report("watching in one process", 0.0)
    remembered = remember(family, settings, film, live.times, world.spec.fps, numbers)
    report("watching in one process", 1.0)
    fast = asyncio.run(_asked(family, settings, live.said, remembered, report))
    digest = remembered[live.watched.number].uuid.rsplit(":", 1)[1]
    pairs = [Pair(said, answer) for said, answer in zip(live.said, fast, strict=True)]
    return agreement(pairs, live.watched, digest)


async def _asked(
    family: ModelFamily,
    settings: Settings,
    said: Sequence[Said],
    remembered: Mapping[int, MemorySnapshot],
    report: Progress,
) -> list[str]:
    async with respondent(family, settings, settings.answers.default_max_tokens, report) as who:
        return await answers(who, said, remembered, report)


def _started(cameras: RtspServer, name: str) -> float:
    deadline = time.monotonic() + _CONNECT_S
    while (started := cameras.started_at(name)) is None:
        if time.monotonic() > deadline:
            raise NotReadyError(f"no stream came to watch the camera within {_CONNECT_S:g} s")
        time.sleep(0.05)
    return started
