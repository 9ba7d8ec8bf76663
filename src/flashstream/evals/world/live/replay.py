"""The fast path: the same film watched, and the same questions asked, in this process."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import torch

from flashstream.config import Settings
from flashstream.evals.published.asking import Respondent
from flashstream.evals.world.exam.watch import Product, Sight, watch
from flashstream.evals.world.live.clock import FrameTimes
from flashstream.evals.world.live.interview import Said
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import ModelFamily, Progress
from flashstream.models.memory import empty_memory
from flashstream.video.source import VideoSource


def remember(
    family: ModelFamily,
    settings: Settings,
    film: Path,
    times: FrameTimes,
    fps: float,
    numbers: Iterable[int],
) -> dict[int, MemorySnapshot]:
    """What is remembered of a film when each of these frames is the newest.

    fps: frames a second that are taken of the film. times: when the live stream saw each of them;
    all else is made anew from the film.
    """
    ours = Product(empty_memory(family, film.stem))
    at = {times.time(number): number for number in numbers}
    # Sums of other numbers of threads round otherwise, as do those of batches.
    with _torch_threads(settings.encoder.threads):
        sights = _sights(family, settings, film, times, fps)
        return {at[moment]: made["ours"] for moment, made in watch(sights, at, {"ours": ours}, 0.0)}


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _sights(
    family: ModelFamily, settings: Settings, film: Path, times: FrameTimes, fps: float
) -> Iterator[Sight]:
    encoder = family.encoder(settings.device())
    with VideoSource(str(film), fps=fps) as source:
        for frame in source.frames():
            # One by one, as a lone camera's frames come.
            grid = encoder.encode([family.preprocess(frame.rgb)])[0]
            yield times.time(round(frame.pts_s * fps)), grid


async def answers(
    who: Respondent,
    asked: Sequence[Said],
    remembered: Mapping[int, MemorySnapshot],
    report: Progress,
) -> list[str]:
    """The answer to each question as it was asked, in the order of `asked`; those that were
    answered from one frame are asked together here too, so that batches are alike.

    Raises what `Respondent.answer` raises.
    """
    found: dict[int, str] = {}
    by_frame = sorted(range(len(asked)), key=lambda k: asked[k].number)
    for number, group in groupby(by_frame, key=lambda k: asked[k].number):
        together = list(group)
        replies = await asyncio.gather(
            *(who.answer(asked[k].text, remembered[number]) for k in together)
        )
        found |= zip(together, (reply.text for reply in replies), strict=True)
        report("asking in one process", len(found) / len(asked))
    return [found[k] for k in range(len(asked))]
