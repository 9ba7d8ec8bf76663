"""Which questions are let in, by how fast answers come; time is ours."""

from contextlib import suppress

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


def fill(admission: Admission) -> int:
    """Let in as many as may come; how many that were."""
    count = 0
    while True:
        try:
            admission.enter(60.0)
        except OverloadedError:
            return count
        count += 1


def test_questions_that_no_word_was_said_to_leave_room_for_one_that_is_answered(
    clock: Clock,
) -> None:
    admission = Admission(64, 16, clock)
    for _ in range(12):
        admission.enter(60.0)
    for still_open in range(12, 0, -1):
        admission.unheard()
        admission.leave(answered=False)
        if still_open > 1:
            with pytest.raises(OverloadedError, match="of late no more than") as refused:
                admission.enter(60.0)
            assert refused.value.details["open"] == still_open - 1
    assert fill(admission) == 1


def test_answers_at_ease_open_the_door_again(clock: Clock) -> None:
    admission = Admission(64, 16, clock)
    admission.enter(60.0)
    admission.unheard()
    admission.leave(answered=False)
    rooms = []
    for _ in range(5):
        room = fill(admission)
        rooms.append(room)
        admission.at_ease()
        for _ in range(room):
            admission.leave(answered=True)
    assert rooms[:4] == [1, 2, 4, 8]
    assert rooms[4] >= 16  # nothing but the deadline holds back now


def test_an_answer_that_took_most_of_its_time_opens_nothing(clock: Clock) -> None:
    admission = Admission(64, 16, clock)
    admission.enter(60.0)
    admission.unheard()
    admission.leave(answered=True)
    assert fill(admission) == 1


def answered_in_an_hour(admission: Admission, clock: Clock, *, learns: bool) -> int:
    """By an engine that divides itself among all open questions, each 20 s of its work; one comes
    every 5 s, and is given up after 60 s."""
    answered = 0
    left: dict[float, float] = {}  # work, by when the question came
    for second in range(3600):
        clock.now_s = float(second)
        if second % 5 == 0:
            with suppress(OverloadedError):
                admission.enter(60.0)
                left[clock.now_s] = 20.0
        share = 1 / max(1, len(left))
        left = {came_s: work - share for came_s, work in left.items()}
        for came_s, work in list(left.items()):
            waited_s = clock.now_s - came_s
            if work > 0 and waited_s < 60:
                continue
            del left[came_s]
            if learns and work > 0:
                admission.unheard()
            if learns and work <= 0 and waited_s <= 30:
                admission.at_ease()
            admission.leave(answered=work <= 0)
            answered += work <= 0
    return answered


def test_a_slow_engine_answers_some_instead_of_none(clock: Clock) -> None:
    assert answered_in_an_hour(Admission(64, 16, clock), clock, learns=False) <= 5
    # 180 are all that it could.
    assert answered_in_an_hour(Admission(64, 16, clock), clock, learns=True) >= 120
