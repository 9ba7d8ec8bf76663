import re
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from support.sketches import EVERYONE, Sketches

from flashstream.evals.world.questions.lexicon import Lexicon
from flashstream.evals.world.questions.phrases import read_age, read_number, read_span
from flashstream.evals.world.timeline import Visit
from flashstream.models.demo import clock
from flashstream.models.demo.exercises import SHARES, Examiner, Memory, remember
from flashstream.models.demo.family import DemoFamily
from flashstream.models.demo.lessons import Lesson
from flashstream.models.demo.streams import StoryWorld, Wardrobe

SEEDS = (1, 3, 8, 11, 13, 15, 20, 38)  # two to fourteen minutes
SLACK_S = 3.0  # a slot may begin that much before half of its visitor is in the picture
LEXICON = Lexicon()


@pytest.fixture(scope="module")
def wardrobe() -> Wardrobe:
    return Wardrobe(Sketches(24).bank(EVERYONE, 6))


def _remembered(wardrobe: Wardrobe, seed: int, slots: int) -> Memory:
    config = DemoFamily.memory.model_copy(update={"temporal_slots": slots})
    return remember(StoryWorld(wardrobe, seed), config, None, np.random.default_rng([seed, 5]))


@pytest.fixture(scope="module")
def memories(wardrobe: Wardrobe) -> list[Memory]:
    """Some have room for all visits, and some have not."""
    return [_remembered(wardrobe, seed, 60 if seed % 2 else 8) for seed in SEEDS]


@pytest.fixture(scope="module")
def asked(memories: list[Memory]) -> list[tuple[Memory, Lesson]]:
    return [
        (memory, lesson)
        for number, memory in enumerate(memories)
        for lesson in Examiner(np.random.default_rng(number)).lessons(memory, 60)
    ]


def _of(asked: Sequence[tuple[Memory, Lesson]], kind: str) -> list[tuple[Memory, str, str]]:
    """Question, as it was before marks were added, and answer."""
    found = [
        (memory, re.sub(r" \([^)]*\)", "", lesson.question), lesson.answer)
        for memory, lesson in asked
        if lesson.kind == kind
    ]
    assert len(found) > 5
    return found


def _kept(memory: Memory) -> list[Visit]:
    """Visits of which a slot holds frames and, to some seconds, no others."""
    world, slots = memory.world, memory.snapshot.slots
    start = world.start.timestamp()
    slack = max(SLACK_S, 1.5 / world.spec.fps)
    return [
        visit
        for visit in world.timeline.visits
        if visit.first_s <= memory.moment_s
        and any(
            first - start >= visit.first_s - slack and last - start <= visit.last_s + slack
            for first, last in zip(slots.first_s, slots.last_s, strict=True)
        )
    ]


def _says_yes(answer: str) -> bool:
    (said,) = re.findall(r"\b(?:yes|no)\b", answer.lower())
    return bool(said == "yes")


def _first_s(memory: Memory, name: str) -> float:
    (visit,) = (each for each in _kept(memory) if each.name == name)
    return visit.first_s


def _window_s(memory: Memory, question: str) -> float:
    found = re.search(r"(?:last|past) (\d+ .*)", question)
    length = read_span(found[1]) if found else memory.moment_s
    assert length is not None
    return length


def _in_window(memory: Memory, question: str) -> list[Visit]:
    start = memory.moment_s - _window_s(memory, question)
    group = re.search(r"(animals|vehicles|foods|instruments|balls)", question)
    return [
        visit
        for visit in _kept(memory)
        if visit.last_s >= start and (group is None or visit.group == group[1])
    ]


def test_a_memory_is_of_its_world_up_to_its_moment(memories: list[Memory]) -> None:
    for memory in memories:
        world, snapshot = memory.world, memory.snapshot
        assert snapshot.as_of == pytest.approx(world.start.timestamp() + memory.moment_s)
        assert snapshot.frames_seen == round(memory.moment_s * world.spec.fps) + 1
        known = [v for v in memory.timeline.visits if v.first_s <= memory.moment_s]
        assert known == _kept(memory)
        assert {v for v in world.timeline.visits if v.first_s > memory.moment_s} <= set(
            memory.timeline.visits
        )


@pytest.fixture(scope="module")
def short(wardrobe: Wardrobe) -> list[Memory]:
    """Of less than a minute, at many moments, with room for a few slots and for more."""
    out = []
    for number in range(48):
        rng = np.random.default_rng([number, 6])
        config = DemoFamily.memory.model_copy(update={"temporal_slots": 3 + number % 12})
        out.append(remember(StoryWorld(wardrobe, 25), config, None, rng))
    return out


def test_who_counts_as_seen_is_in_a_slot_of_its_own_and_wholly_there_or_not(
    short: list[Memory],
) -> None:
    lost = 0
    for memory in short:
        at = memory.moment_s
        known = [v for v in memory.timeline.visits if v.first_s <= at]
        assert known == _kept(memory)
        lost += len(memory.world.timeline.until(at)) - len(known)
        for visit in memory.world.timeline.visits:
            assert visit.seen_at(at) or not visit.path.enter_s < at < visit.path.leave_s
    assert lost


def test_ages_are_in_english(short: list[Memory]) -> None:
    rng = np.random.default_rng(1)
    some = [memory for memory in short if memory.timeline.visits]
    examiner = Examiner(rng)
    said = {
        lesson.answer for memory in some for lesson in examiner.lessons(memory, 6, {"when": 1.0})
    }
    assert all(re.fullmatch(r"1 second ago\.|(?!1 )\d+ seconds ago\.", each) for each in said)
    assert "1 second ago." in said


def test_little_room_loses_visits_and_much_loses_none(wardrobe: Wardrobe) -> None:
    lost = []
    for slots in (8, 60):
        memory = _remembered(wardrobe, 15, slots)
        lost.append(len(memory.world.timeline.visits) - len(memory.timeline.visits))
    assert lost[0] > 2
    assert lost[1] == 0


def test_the_same_world_and_seed_give_the_same_lessons(wardrobe: Wardrobe) -> None:
    def made() -> list[Lesson]:
        memory = _remembered(wardrobe, 13, 20)
        return Examiner(np.random.default_rng(2)).lessons(memory, 20)

    assert made() == made()


def test_kinds_come_as_often_as_they_are_to(asked: list[tuple[Memory, Lesson]]) -> None:
    counts = {kind: sum(lesson.kind == kind for _, lesson in asked) for kind in SHARES}
    assert sum(counts.values()) == len(asked)
    assert all(counts.values())
    assert counts["event_occurrence"] > counts["ordered_narrative"] > counts["how_many"]
    assert len(asked) >= 55 * len(SEEDS)


def test_who_is_there_now_is_there_in_the_world(asked: list[tuple[Memory, Lesson]]) -> None:
    said = {True: 0, False: 0}
    for memory, question, answer in _of(asked, "now"):
        there = {
            visit.name
            for visit in memory.world.timeline.visits
            if visit.first_s <= memory.moment_s <= visit.last_s
        }
        named = LEXICON.names(question)
        if named:
            assert _says_yes(answer) == (named[0] in there), (question, answer)
            said[_says_yes(answer)] += 1
        else:
            assert set(LEXICON.names(answer)) == there
            assert bool(there) != (answer == "Nothing.")
    assert said[True] == said[False] > 3


def test_what_was_seen_is_affirmed_and_what_was_not_or_is_lost_denied(
    asked: list[tuple[Memory, Lesson]],
) -> None:
    right = {True: 0, False: 0}
    within = 0
    for memory, question, answer in _of(asked, "event_occurrence"):
        (name,) = LEXICON.names(question)
        seen = {visit.name for visit in _in_window(memory, question)}
        assert LEXICON.names(answer) == [name]
        assert _says_yes(answer) == (name in seen), (question, answer)
        assert ("not" in answer) == (name not in seen)
        right[name in seen] += 1
        within += "last" in question or "past" in question
    assert right[True] == right[False]
    assert 10 < within < sum(right.values())


def test_orders_that_are_asked_about_are_the_world_s(asked: list[tuple[Memory, Lesson]]) -> None:
    right = {True: 0, False: 0}
    for memory, question, answer in _of(asked, "sequence_validation"):
        named = LEXICON.names(question)
        came = [_first_s(memory, name) for name in named]
        if " after the " in question:
            came.reverse()
        assert _says_yes(answer) == (came == sorted(came)), (question, answer)
        told = LEXICON.names(answer)  # the first of two, or all of three
        assert told == sorted(named, key=lambda name: _first_s(memory, name))[: len(told)]
        assert len(told) == (3 if len(named) == 3 else 1)
        right[_says_yes(answer)] += 1
    assert right[True] == right[False] > 10


def test_what_is_told_in_order_came_in_that_order(asked: list[tuple[Memory, Lesson]]) -> None:
    sizes = set()
    for memory, question, answer in _of(asked, "ordered_narrative"):
        named = LEXICON.names(question)
        came = sorted(named, key=lambda name: _first_s(memory, name))
        assert LEXICON.names(answer) == (came if len(named) == 3 else came[:1])
        sizes.add(len(named))
    assert sizes == {2, 3}


def test_when_is_told_as_exactly_as_the_evaluation_wants_it(
    asked: list[tuple[Memory, Lesson]],
) -> None:
    for memory, question, answer in _of(asked, "when"):
        (name,) = LEXICON.names(question)
        age = memory.moment_s - _first_s(memory, name)
        said = read_age(answer, memory.world.start + timedelta(seconds=memory.moment_s))
        assert said is not None
        assert abs(said - age) <= max(1.0, 0.1 * age), (question, answer, age)


def test_summaries_name_all_of_their_time_and_no_others(
    asked: list[tuple[Memory, Lesson]],
) -> None:
    for memory, question, answer in _of(asked, "scene_summary"):
        seen = {visit.name for visit in _in_window(memory, question)}
        assert set(LEXICON.names(answer)) == seen, question


def test_arrivals_between_two_times_are_told_in_order(asked: list[tuple[Memory, Lesson]]) -> None:
    clocks = 0
    for memory, question, answer in _of(asked, "between"):
        found = re.search(r"(?:between|from) (.*) (?:and|to) (.*)\?", question)
        assert found
        at = memory.world.start + timedelta(seconds=memory.moment_s)
        ages = [read_age(part, at) for part in found.groups()]
        assert ages[0] is not None
        assert ages[1] is not None
        start, end = memory.moment_s - ages[0], memory.moment_s - ages[1]
        came = [visit.name for visit in _kept(memory) if start < visit.first_s < end]
        assert LEXICON.names(answer) == came
        assert bool(came) != (answer == "Nothing.")
        clocks += ":" in question
    assert clocks


def test_counts_are_of_the_visits_that_are_remembered(asked: list[tuple[Memory, Lesson]]) -> None:
    for memory, question, answer in _of(asked, "how_many"):
        named = LEXICON.names(question)
        if named:
            count = sum(visit.name == named[0] for visit in _kept(memory))
        else:
            count = len({visit.name for visit in _in_window(memory, question)})
        assert read_number(answer) == count, (question, answer)


def test_questions_have_the_marks_that_a_prompt_gives_them(
    asked: list[tuple[Memory, Lesson]],
) -> None:
    marked = 0
    for memory, lesson in asked:
        plain = re.sub(r" \([^)]*\)", "", lesson.question)
        snapshot = memory.snapshot
        assert clock.annotate(plain, snapshot.slots, snapshot.as_of) == lesson.question
        marked += plain != lesson.question
    assert marked > 20
