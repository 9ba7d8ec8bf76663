"""The fast path: a film watched in one process at the times that a live stream told."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from support.published_model import ColourEncoder, ColourFamily

from flashstream.config import EncoderSettings, Settings
from flashstream.errors import InvalidRequestError
from flashstream.evals.published.asking import Reply
from flashstream.evals.world.live.clock import FrameTimes
from flashstream.evals.world.live.interview import Said
from flashstream.evals.world.live.replay import answers, remember
from flashstream.evals.world.live.run import CAMERA_FPS, chosen, filmed
from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.sampler import KINDS
from flashstream.evals.world.world import World, WorldSpec
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import ModelFamily
from flashstream.platform import no_report
from flashstream.video.opening import probe
from flashstream.video.source import VideoSource

Ask = Callable[..., Question]
NOON = datetime(2027, 5, 6, 12, 0, tzinfo=UTC)


class Family(ColourFamily):
    """Notes with how many threads it encodes, and how many frames at once."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.batches: list[int] = []

    def encoder(self, device: str) -> Any:
        plain, family = ColourEncoder(), self

        class Noting:
            def encode(self, frames: Any) -> Any:
                family.threads.add(torch.get_num_threads())
                family.batches.append(len(frames))
                return plain.encode(frames)

        return Noting()


@pytest.fixture(scope="module")
def path(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filmed(world, tmp_path_factory.mktemp("live"), no_report)


def test_the_camera_sends_as_many_pictures_as_cameras_do(world: World, path: Path) -> None:
    assert probe(str(path)).fps == CAMERA_FPS
    with VideoSource(str(path), fps=world.spec.fps) as source:
        frames = list(source.frames())
    assert len(frames) == len(world)
    for number in (0, 13, 39):
        error = np.abs(frames[number].rgb.astype(float) - world.frame(number)).mean()
        others = np.abs(frames[number].rgb.astype(float) - world.frame((number + 20) % 40)).mean()
        assert error < min(12, others)


def test_what_is_remembered_ends_with_the_frame_and_has_the_stream_s_times(
    world: World, path: Path
) -> None:
    times = FrameTimes(1_790_000_000.0, 2.0)
    times.note(1_790_000_000.123456)
    times.note(1_790_000_010.120001)
    family, before = Family(), torch.get_num_threads()
    settings = Settings(encoder=EncoderSettings(threads=before + 1))
    made = remember(cast(ModelFamily, family), settings, path, times, 2.0, {3, 20})
    assert {number: made[number].version for number in made} == {3: 4, 20: 21}
    assert made[20].as_of == 1_790_000_010.120001
    assert made[20].slots.first_s.min() == 1_790_000_000.123456
    assert (family.threads, torch.get_num_threads()) == ({before + 1}, before)
    assert family.batches == [1] * 21


def test_questions_of_one_frame_are_asked_together(ask: Ask) -> None:
    now = 0

    class Who:
        async def answer(self, text: str, snapshot: MemorySnapshot) -> Reply:
            nonlocal now
            now += 1
            await asyncio.sleep(0.01)
            at_once = now
            await asyncio.sleep(0.01)
            now -= 1
            return Reply(f"{text} of {snapshot}, {at_once} at once")

    asked = [
        Said(ask(0.0), text, NOON, "", wanted=0, number=number)
        for text, number in (("A", 7), ("B", 3), ("C", 7))
    ]
    snapshots = cast("dict[int, MemorySnapshot]", {3: "three", 7: "seven"})
    assert asyncio.run(answers(Who(), asked, snapshots, no_report)) == [
        "A of seven, 2 at once",
        "B of three, 1 at once",
        "C of seven, 2 at once",
    ]


def test_questions_of_all_kinds_are_chosen(book: PictureBook) -> None:
    world = World(WorldSpec("test", 1), book)
    found = chosen(world, 34)
    assert len(found) == 34
    assert {each.kind for each in found} == set(KINDS)
    assert {each.id for each in found} <= {each.id for each in chosen(world, 60)}
    assert len({(each.text, each.moment_s) for each in found}) == 34
    assert [each.id for each in chosen(world, 34)] == [each.id for each in found]
    assert {each.kind for each in chosen(world, 3)} == set(KINDS[:3])


def test_a_world_of_which_nothing_can_be_asked_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flashstream.evals.world.live.run.sample", lambda *_: [])
    with pytest.raises(InvalidRequestError, match="nothing can be asked"):
        chosen(world, 5)
