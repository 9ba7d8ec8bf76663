"""Which questions are let in, by how fast answers come; time is ours."""

import pytest

from flashstream.deployments.admission import Admission
from flashstream.errors import OverloadedError


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def answers(admission: Admission, clock: Clock, count: int, every_s: float) -> None:
    """So many are open from now on, and each answer lets the next in."""
    for _ in range(count):
        admission.enter(1000.0)
    for _ in range(30):
        clock.now_s += every_s
        admission.leave(answered=True)
        admission.enter(1000.0)


def test_no_more_than_the_most_are_let_in(clock: Clock) -> None:
    admission = Admission(2, 8, clock)
    admission.enter(60.0)
    admission.enter(60.0)
    with pytest.raises(OverloadedError, match="2 questions") as refused:
        admission.enter(60.0)
    assert refused.value.details == {"max_ongoing": 2}
    admission.leave(answered=False)
    admission.enter(60.0)


def test_one_that_would_be_answered_too_late_is_refused_at_once(clock: Clock) -> None:
    admission = Admission(64, 8, clock)
    answers(admission, clock, 10, every_s=3.0)
    with pytest.raises(OverloadedError, match="try again in 10 s") as refused:
        admission.enter(20.0)
    assert refused.value.details == {"open": 10, "wait_s": 30.0, "deadline_s": 20.0}
    admission.enter(31.0)


def test_fast_answers_let_as_many_in_as_may_wait(clock: Clock) -> None:
    admission = Admission(64, 8, clock)
    answers(admission, clock, 60, every_s=0.1)
    for _ in range(4):
        admission.enter(60.0)
    with pytest.raises(OverloadedError, match="most at once"):
        admission.enter(60.0)


def lone_answers(admission: Admission, clock: Clock) -> None:
    """Slow ones, each to the only question that is open."""
    for _ in range(30):
        admission.enter(60.0)
        clock.now_s += 50.0
        admission.leave(answered=True)


def test_a_free_place_in_a_batch_is_given_to_any(clock: Clock) -> None:
    """However slow a lone question was: more of them are answered together."""
    admission = Admission(64, 8, clock)
    lone_answers(admission, clock)
    for _ in range(20):
        admission.enter(60.0)


def test_answers_that_stop_coming_close_the_door_until_there_is_room(clock: Clock) -> None:
    admission = Admission(64, 8, clock)
    answers(admission, clock, 10, every_s=1.0)
    clock.now_s += 7.0
    with pytest.raises(OverloadedError, match=r"every 7\.0 s"):
        admission.enter(60.0)
    for _ in range(3):
        admission.leave(answered=False)  # past their deadlines
    admission.enter(60.0)


def test_what_a_full_batch_took_keeps_nobody_from_a_free_place(clock: Clock) -> None:
    admission = Admission(64, 8, clock)
    answers(admission, clock, 8, every_s=50.0)
    for _ in range(8):
        admission.leave(answered=False)
    for _ in range(8):
        admission.enter(60.0)
    with pytest.raises(OverloadedError, match=r"in 4\d\d s"):
        admission.enter(60.0)


def test_lone_answers_teach_nothing_of_full_batches(clock: Clock) -> None:
    admission = Admission(64, 8, clock)
    answers(admission, clock, 8, every_s=0.1)
    for _ in range(8):
        admission.leave(answered=False)
    lone_answers(admission, clock)
    for _ in range(20):
        admission.enter(60.0)
