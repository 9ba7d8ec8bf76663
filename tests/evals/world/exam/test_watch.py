from collections.abc import Iterator

import numpy as np
import pytest
from support.exam import TinyFamily, scenes

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.exam.policies import USUAL, Sitting, made, remembering
from flashstream.evals.world.exam.watch import Seen, Sight, ours_at, watch
from flashstream.evals.world.questions.sampler import Wanted, sample
from flashstream.evals.world.world import World, WorldSpec
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.memory import empty_memory

START = 1_750_000_000.0


def test_each_moment_has_the_frames_up_to_it_and_no_more(family: TinyFamily) -> None:
    frames = scenes(30)
    read = []

    def shown() -> Iterator[Sight]:
        for sight in frames:
            read.append(sight[0])
            yield sight

    asked = (4.0, 11.5, 4.0, 20.0, 0.0)
    at = Sitting("cam", (1, 5, 12, 21), 0)
    policies = {name: made(name, family, at) for name in remembering(USUAL)}
    given = list(watch(shown(), asked, policies, START))
    assert [moment for moment, _ in given] == [0.0, 4.0, 11.5, 20.0]
    for moment, snapshots in given:
        assert list(snapshots) == ["ours", "fifo", "uniform", "streaming_kmeans"]
        for snapshot in snapshots.values():
            assert snapshot.frames_seen == int(moment) + 1
            assert snapshot.as_of == START + int(moment)
    assert read == [float(second) for second in range(21)]  # nothing after the last moment


def test_frames_after_a_moment_change_nothing_of_its_snapshots(family: TinyFamily) -> None:
    at = Sitting("cam", (1, 8, 20), 3)
    plain, poisoned = scenes(20), scenes(20)
    for number in range(8, 20):
        poisoned[number] = (plain[number][0], np.full((4, 4, 3), 60000, np.float16))

    def first(frames: list[Sight]) -> dict[str, MemorySnapshot]:
        policies = {name: made(name, family, at) for name in remembering(USUAL)}
        given = dict(watch(frames, (0.0, 7.0, 19.0), policies, START))
        return given[7.0]

    for one, other in zip(first(plain).values(), first(poisoned).values(), strict=True):
        assert one.uuid == other.uuid
        assert (one.features == other.features).all()
        assert one.features.max() < 10


def test_a_moment_before_the_first_frame_is_refused(family: TinyFamily) -> None:
    policies = {"ours": made("ours", family, Sitting("cam", (1,), 0))}
    with pytest.raises(InvalidRequestError, match="second 2"):
        list(watch([(3.0, scenes(1)[0][1])], (2.0,), policies, START))
    with pytest.raises(InvalidRequestError, match="no frame"):
        list(watch([], (2.0,), policies, START))


def test_after_the_last_frame_the_rest_is_answered_from_what_was_seen(family: TinyFamily) -> None:
    policies = {"ours": made("ours", family, Sitting("cam", (3,), 0))}
    ((_, one), (_, other)) = watch(scenes(3), (50.0, 60.0), policies, START)
    assert one["ours"].frames_seen == other["ours"].frames_seen == 3


def test_ours_is_the_family_s_memory(family: TinyFamily) -> None:
    world = World(WorldSpec("dev", 1, length_s=40))
    questions = sample(world, Wanted(1, ("now", "event_occurrence")))
    frames = scenes(40)
    given = ours_at(family, world, questions, frames)
    for question, snapshot in zip(questions, given, strict=True):
        memory = empty_memory(family, "dev-1")
        for second, features in frames[: int(question.moment_s) + 1]:
            memory.observe(features, world.start.timestamp() + second, b"")
        assert memory.snapshot().uuid == snapshot.uuid
        assert snapshot.as_of == question.asked_at.timestamp()


def test_pooled_features_are_made_once_for_all() -> None:
    class Watching:
        def __init__(self) -> None:
            self.seen: list[Seen] = []

        def observe(self, seen: Seen) -> None:
            self.seen.append(seen)

        def snapshot(self) -> MemorySnapshot:
            raise NotImplementedError

    one, other = Watching(), Watching()
    list(watch(scenes(3), (), {"one": one, "other": other}, START))
    assert one.seen == []
    with pytest.raises(NotImplementedError):
        list(watch(scenes(3), (2.0,), {"one": one, "other": other}, START))
    assert all(a.pooled is b.pooled for a, b in zip(one.seen, other.seen, strict=True))
    assert [seen.time_s for seen in one.seen] == [START, START + 1, START + 2]
