"""The demo's own questions and how answers are judged."""

from pathlib import Path

import pytest

from flashstream import media
from flashstream.demo import script
from flashstream.demo.cameras import Film, Shown


def film(names: tuple[str, ...]) -> Film:
    shown = [Shown(name, 8.0 * i, 8.0 * (i + 1)) for i, name in enumerate(names)]
    return Film(Path("film.mp4"), 8.0 * len(names), 5, tuple(shown))


@pytest.fixture
def questions() -> list[script.Question]:
    return script.questions({stream: film(names) for stream, names in script.SHOWN.items()})


def test_there_are_enough_questions_of_every_kind(questions: list[script.Question]) -> None:
    assert len(questions) >= 6
    for kind in ("now?", "seconds ago?", "first", "been seen?"):
        assert any(kind in question.text for question in questions)


def test_a_time_is_counted_back_from_when_the_question_is_asked(
    questions: list[script.Question],
) -> None:
    question = next(q for q in questions if "{ago}" in q.text)
    assert question.moment_s == 12.0
    assert question.asked_at(32.4) == "What was there 20 seconds ago?"
    assert question.asked_at(40.4) == "What was there 28 seconds ago?"


def test_the_truth_is_right_and_everything_else_wrong(questions: list[script.Question]) -> None:
    for question in questions:
        assert question.is_answered_by(f"It was {question.expected}.")
        for wrong in ("", "a pizza", *question.refuses):
            assert not question.is_answered_by(wrong)
        # Naming everything is not knowing.
        assert not question.is_answered_by(" ".join((*question.accepts, *question.refuses)))


def test_an_answer_names_a_word_not_a_part_of_one() -> None:
    question = script.Question("s", "?", "cat", ("cat",))
    assert question.is_answered_by("Two cats.")
    assert not question.is_answered_by("A catalogue.")


def test_all_pictures_shown_are_kept_out_of_training() -> None:
    shown = [name for names in script.SHOWN.values() for name in names]
    assert len(set(shown)) == len(shown)
    assert {media.medium(name).split for name in (*shown, script.CLIP)} == {"demo"}
