"""What counts as the same answer, and what is reported of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from flashstream.evals.world.live.agreement import Pair, agreement
from flashstream.evals.world.live.interview import Said, Watched
from flashstream.evals.world.questions.answers import Age
from flashstream.evals.world.questions.question import Question

Ask = Callable[..., Question]
NOON = datetime(2027, 5, 6, 12, 0, tzinfo=UTC)
WATCHED = Watched(number=19, version=18, digest="abc", url="rtsp://camera")


@pytest.fixture
def pair(ask: Ask) -> Callable[..., Pair]:
    def make(live: str, fast: str, *, question: Question | None = None, **more: Any) -> Pair:
        about = {"wanted": 4, "number": 4, "version": 5, "age_s": 0.123456} | more
        return Pair(Said(question or ask(2.0), "Is it now?", NOON, live, **about), fast)

    return make


@pytest.mark.parametrize(
    ("live", "fast", "agree"),
    [
        ("Yes, a cat.", "yes,  a CAT.\n", True),
        ("Yes.", "No.", False),
        ("Yes, a cat.", "Yes, a dog.", False),
        ("", "", True),
    ],
)
def test_the_same_words_agree(pair: Callable[..., Pair], live: str, fast: str, agree: bool) -> None:
    assert pair(live, fast).agree is agree


def test_a_refusal_agrees_with_nothing_and_is_never_right(pair: Callable[..., Pair]) -> None:
    refused = pair("", "", error="overloaded")
    assert not refused.agree
    assert not refused.right_live
    result = agreement([refused, pair("Yes.", "Yes.")], WATCHED, "abc")
    assert (result["refused"], result["agree"]) == (1, 0.5)


def test_both_answers_are_right_by_the_clock_of_the_asking(
    pair: Callable[..., Pair], ask: Ask
) -> None:
    when = ask(2.0, answer=Age(40.0, "23:58:54"))
    both = pair("At 11:59:20.", "40 seconds ago.", question=when)
    assert not both.agree
    assert (both.right_live, both.right_fast) == (True, True)
    assert pair("At 23:58:54.", "At 11:59:20.", question=when).right_live is False


def test_the_report(pair: Callable[..., Pair], ask: Ask) -> None:
    pairs = [
        pair("Yes.", "Yes."),
        pair("Yes.", "Yeah."),
        pair("No.", "Yes.", question=ask(2.0, kind="when"), number=7),
        pair("No.", "No.", number=5),
    ]
    result = agreement(pairs, WATCHED, "abc")
    items = result.pop("items")
    low, high = result.pop("agree_interval")
    assert 0 < low < 0.5 < high < 1
    assert result == {
        "questions": 4,
        "agree": 0.5,
        "agree_in_being_right": 0.75,
        "right_live": 0.5,
        "right_fast": 0.75,
        "same_memory": True,
        "frames": 20,
        "dropped_frames": 2,
        "late": {"questions": 2, "frames_at_most": 3},
        "refused": 0,
        "kinds": {
            "now": {"questions": 3, "agree": 0.6667},
            "when": {"questions": 1, "agree": 0.0},
        },
    }
    assert items[2] == {
        "id": "q2.0",
        "kind": "when",
        "moment_s": 2.0,
        "question": "Is it now?",
        "expected": "Yes.",
        "live": "No.",
        "fast": "Yes.",
        "agree": False,
        "right_live": False,
        "right_fast": True,
        "frame": 4,
        "answered_from": 7,
        "version": 5,
        "age_s": 0.123,
        "total_s": 0.0,
        "error": None,
    }
    assert agreement(pairs, WATCHED, "abd")["same_memory"] is False
