"""Free text against the truth."""

from datetime import UTC, datetime, timedelta

import pytest

from flashstream.evals.world.questions import phrases
from flashstream.evals.world.questions.answers import Age, Choice, Count, Span, Things, YesNo
from flashstream.evals.world.questions.deeds import ACTIONS, SIDES
from flashstream.evals.world.questions.lexicon import Lexicon

NOW = datetime(2026, 3, 2, 15, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "yes"),
    [
        ("Yes.", True),
        ("yes, it was there", True),
        ("No, it was not.", False),
        ("It was not seen.", False),
        ("No. Yes it could be", False),
    ],
)
def test_yes_and_no(said: str, yes: bool) -> None:
    assert YesNo(yes).accepts(said, NOW)
    assert not YesNo(not yes).accepts(said, NOW)


def test_neither_yes_nor_no_is_wrong() -> None:
    assert not YesNo(True).accepts("A zebra.", NOW)
    assert not YesNo(False).accepts("", NOW)


def test_lists_need_most_of_the_names_and_few_others() -> None:
    answer = Things(("zebra", "bus", "lemon"))
    assert answer.accepts("A bus, two lemons and a zebra.", NOW)
    assert answer.accepts("bus and zebra", NOW)  # F1 0.8
    assert not answer.accepts("a bus", NOW)  # 0.5
    assert not answer.accepts("zebra, bus, lemon, frog, owl, fox", NOW)  # 0.67
    assert answer.accepts("zebra, coach, lemon", NOW)  # a synonym


def test_order_counts_where_it_should() -> None:
    exact = Things(("zebra", "bus", "lemon"), ordered=True, exact=True)
    assert exact.accepts("First the zebra, then the bus and then the lemon", NOW)
    assert not exact.accepts("the bus, the zebra, the lemon", NOW)
    loose = Things(("zebra", "bus", "lemon", "owl"), ordered=True)
    assert loose.accepts("zebra, bus, lemon", NOW)
    assert not loose.accepts("owl, lemon, bus, zebra", NOW)


def test_nothing_is_an_answer() -> None:
    assert Things(()).accepts("Nothing.", NOW)
    assert not Things(()).accepts("A bus.", NOW)
    assert not Things(("bus",)).accepts("Nothing.", NOW)


@pytest.mark.parametrize(
    ("said", "number"),
    [("never", 0), ("Once.", 1), ("It came twice", 2), ("three times", 3), ("4", 4)],
)
def test_numbers(said: str, number: int) -> None:
    assert Count(number, 4, "").accepts(said, NOW)
    assert not Count(number + 1, 4, "").accepts(said, NOW)


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("10 minutes ago", True),
        ("at 14:50", True),
        ("It came at 14:50:20.", True),
        ("600 seconds ago", True),
        ("nine and a half minutes", False),
        ("12 minutes ago", False),
        ("at 14:40", False),
        ("in the morning", False),
        ("25:99", False),
    ],
)
def test_a_time_is_right_within_a_tenth(said: str, right: bool) -> None:
    assert Age(600.0, "14:50:00").accepts(said, NOW) is right


def test_the_clock_goes_back_over_midnight() -> None:
    early = NOW.replace(hour=0, minute=30)
    assert Age(3600.0, "23:30:00").accepts("at 23:30", early)


def test_short_times_may_be_a_second_off() -> None:
    assert Age(5.0, "").accepts("6 seconds ago", NOW)
    assert not Age(5.0, "").accepts("7 seconds ago", NOW)


def test_lengths_are_right_within_a_fifth() -> None:
    assert Span(150.0).accepts("2 minutes 30 seconds", NOW)
    assert Span(150.0).accepts("about 2 minutes", NOW)
    assert not Span(150.0).accepts("1 minute", NOW)
    assert Span(1800.0).accepts("half an hour", NOW)


def test_actions_and_sides() -> None:
    paced = Choice(ACTIONS, 1, "")
    assert paced.accepts("It walked to and fro.", NOW)
    assert not paced.accepts("It stood still.", NOW)
    left, right = Choice(SIDES, 0, ""), Choice(SIDES, 1, "")
    assert right.accepts("It left to the right.", NOW)
    assert not left.accepts("It left to the right.", NOW)
    assert left.accepts("The left.", NOW)
    assert left.accepts("It left to the left", NOW)


@pytest.mark.parametrize("seconds", [1, 9, 60, 89, 100, 135, 3599, 5000, 5400, 7260, 40000, 86399])
def test_lengths_are_said_so_that_they_are_read_again(seconds: float) -> None:
    read = phrases.read_span(phrases.say_span(seconds))
    assert read == pytest.approx(seconds, rel=0.031)
    at = NOW - timedelta(seconds=seconds)
    assert phrases.read_age(phrases.say_clock(at, 0), NOW) == pytest.approx(seconds)


def test_names_are_found_in_order_in_plural_and_by_synonym() -> None:
    names = Lexicon().names("Two Zebras' tracks, a traffic light, a cab, then zebra and planes")
    assert names == ["zebra", "traffic light", "taxi", "airplane"]
