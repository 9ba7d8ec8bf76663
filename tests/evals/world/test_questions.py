"""Questions: true, of what was seen until then, and not to be guessed from their words."""

from collections import Counter
from dataclasses import replace

import pytest

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.questions import blind
from flashstream.evals.world.questions.answers import (
    Age,
    Choice,
    Count,
    Span,
    Things,
    YesNo,
)
from flashstream.evals.world.questions.lexicon import Lexicon
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.sampler import KINDS, Wanted, sample
from flashstream.evals.world.questions.scene import BAND, HORIZONS
from flashstream.evals.world.timeline import Timeline
from flashstream.evals.world.world import World, WorldSpec

HOUR = WorldSpec("test", 0, length_s=3600.0)
TOLERANCE = 0.09  # of a share over some hundreds of questions


@pytest.fixture(scope="module")
def worlds(book: PictureBook) -> list[World]:
    lengths = (600.0, 3600.0, 36000.0)
    return [
        World(replace(HOUR, split=split, seed=seed, length_s=length), book)
        for split in ("dev", "test")
        for seed in range(10)
        for length in lengths
    ]


@pytest.fixture(scope="module")
def questions(worlds: list[World]) -> list[Question]:
    return [each for world in worlds for each in sample(world, Wanted(6))]


def test_every_kind_is_asked_in_every_form(questions: list[Question]) -> None:
    forms = Counter((each.kind, each.template) for each in questions)
    assert {kind for kind, _ in forms} == set(KINDS)
    assert len(forms) == 19
    assert min(forms.values()) >= 25, forms.most_common()[-3:]


def test_equal_seeds_give_equal_questions_and_others_others(book: PictureBook) -> None:
    one, again = (sample(World(HOUR, book), Wanted(3)) for _ in range(2))
    assert one == again
    assert one != sample(World(HOUR, book), Wanted(3), seed=1)
    ids = [each.id for each in one]
    assert len(set(ids)) == len(ids)


def test_a_right_answer_is_accepted_in_its_own_words(questions: list[Question]) -> None:
    wrong = [each for each in questions if not each.right(each.answer.text)]
    assert not wrong, wrong[:3]


def test_a_wrong_answer_is_not(questions: list[Question]) -> None:
    """Each is told the answers of others of its form with another key."""
    by_form: dict[tuple[str, str], list[Question]] = {}
    for each in questions:
        by_form.setdefault((each.kind, each.template), []).append(each)
    for form, all_of_it in by_form.items():
        if isinstance(all_of_it[0].answer, Age | Span):
            continue
        for one, other in zip(all_of_it, all_of_it[7:], strict=False):
            if one.answer.key == other.answer.key or one.answer.text == other.answer.text:
                continue
            loose = isinstance(one.answer, Things) and not one.answer.exact
            if not loose or not set(_names(one)) & set(_names(other)):
                assert not one.right(other.answer.text), (form, one, other.answer.text)


def _names(question: Question) -> tuple[str, ...]:
    answer = question.answer
    return answer.names if isinstance(answer, Things) else ()


def test_what_comes_later_changes_no_answer(worlds: list[World], questions: list[Question]) -> None:
    """A world that ends at the moment of the question has the same truth."""
    by_label = {f"{w.spec.split}-{w.spec.seed}": [] for w in worlds}  # type: ignore[var-annotated]
    for world in worlds:
        by_label[f"{world.spec.split}-{world.spec.seed}"].append(world)
    checked = 0
    for question in questions:
        if question.kind != "event_occurrence" or question.template != "ever":
            continue
        (name,) = Lexicon().names(question.text)
        said_yes = question.answer.key == "yes"
        label = "-".join(question.id.split("-")[:2])
        fits = [
            world
            for world in by_label[label]
            if (question.asked_at - world.start).total_seconds() == question.moment_s
            and bool(Timeline(world.timeline.until(question.moment_s)).intervals(name)) == said_yes
        ]
        assert fits
        checked += 1
    assert checked > 100


def test_noes_are_of_things_that_come_later_and_of_things_that_never_do(book: PictureBook) -> None:
    later = never = 0
    for seed in range(12):
        world = World(replace(HOUR, seed=seed), book)
        for each in sample(world, Wanted(8, ("event_occurrence",))):
            if each.answer.key == "yes":
                continue
            (name,) = Lexicon().names(each.text)
            seen = world.timeline.of(name, each.moment_s)
            if any(visit.name == name for visit in world.timeline.visits) and not seen:
                later += 1
            elif not seen:
                never += 1
    assert later >= 10
    assert never >= 10


def test_yes_and_no_are_equally_many_in_every_form(questions: list[Question]) -> None:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for each in questions:
        if isinstance(each.answer, YesNo | Choice | Count):
            counts.setdefault((each.kind, each.template), Counter())[each.answer.key] += 1
    assert len(counts) >= 10
    for form, keys in counts.items():
        assert max(keys.values()) == min(keys.values()), (form, keys)


def test_the_best_constant_answer_is_at_chance(questions: list[Question]) -> None:
    found = blind.by_template(questions)
    above = {form: each for form, each in found.items() if each.share > each.chance + TOLERANCE}
    assert not above


def test_the_question_said_again_is_at_chance(questions: list[Question]) -> None:
    found = blind.by_echo(questions)
    above = {form: each for form, each in found.items() if each.share > each.chance + TOLERANCE}
    assert not above
    assert found["ordered_narrative", "three"].right > 0  # it can be right


def test_words_of_the_question_do_not_help(questions: list[Question]) -> None:
    half = len(questions) // 2
    guessed = blind.by_word(questions[:half], questions[half:])
    assert len(guessed) >= 9
    right = sum(found.right for found in guessed.values())
    asked = sum(found.asked for found in guessed.values())
    chance = sum(found.chance * found.asked for found in guessed.values()) / asked
    assert asked > 400
    assert right / asked <= chance + 0.05
    for form, found in guessed.items():
        # 2.6 standard deviations of so many coin flips
        assert found.share <= found.chance + 1.3 / found.asked**0.5, (form, found)


@pytest.mark.parametrize("horizon", list(HORIZONS))
def test_questions_at_a_horizon_are_as_long_after_their_event(
    book: PictureBook, horizon: str
) -> None:
    seconds = HORIZONS[horizon]
    length = max(600.0, min(86400.0, 6 * seconds))
    found: Counter[str] = Counter()
    for seed in range(5):
        world = World(WorldSpec("test", seed, length_s=length), book)
        for each in sample(world, Wanted(4, horizon=horizon)):
            found[each.kind] += 1
            if each.kind in ("scene_summary", "between"):
                continue  # these are about all of a stretch of time, of which one event is as old
            assert seconds / BAND - 1 <= each.horizon_s <= seconds * BAND + 1, each
    assert set(found) >= {"event_occurrence", "when", "scene_summary"}
    assert "now" not in found


def test_a_horizon_longer_than_the_world_has_no_questions(book: PictureBook) -> None:
    assert sample(World(HOUR, book), Wanted(2, horizon="10h")) == []


def test_the_five_kinds_of_the_published_benchmark_are_there() -> None:
    assert set(KINDS) >= {
        "scene_summary",
        "action_description",
        "event_occurrence",
        "ordered_narrative",
        "sequence_validation",
    }


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kinds": ("why",)}, "scene_summary"),
        ({"horizon": "2h"}, "10min"),
        ({"of_each": 0}, "at least one"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRequestError, match=says):
        Wanted(**wrong)  # type: ignore[arg-type]
