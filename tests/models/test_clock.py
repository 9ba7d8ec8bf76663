from datetime import UTC, datetime

import numpy as np
import pytest

from flashstream.memory_store.snapshot import Slots
from flashstream.models.demo.clock import annotate, moments, slot_at

AS_OF = datetime(2026, 11, 21, 14, 5, 0, tzinfo=UTC).timestamp()


def _slots(*spans: tuple[float, float, float]) -> Slots:
    """(first, mean, last) as ages in seconds."""
    first, mean, last = (AS_OF - np.array(column) for column in zip(*spans, strict=True))
    count = len(spans)
    return Slots(
        ids=np.arange(count, dtype=np.int32),
        weights=np.ones(count, np.int64),
        first_s=first,
        mean_s=mean,
        last_s=last,
        pictures=((),) * count,
    )


SLOTS = _slots((100.0, 90.0, 80.0), (45.0, 37.0, 30.0), (29.0, 10.0, 0.0))


@pytest.mark.parametrize(
    ("text", "age_s"),
    [
        ("40 seconds ago", 40),
        ("40s ago", 40),
        ("twenty-five seconds ago", 25),
        ("a minute ago", 60),
        ("two minutes ago", 120),
        ("5 min ago", 300),
        ("one minute and 30 seconds ago", 90),
        ("1 minute 30 seconds ago", 90),
        ("half an hour ago", 1800),
        ("an hour and a half ago", 5400),
        ("1.5 minutes ago", 90),
        ("3 days ago", 259200),
        ("at 14:03", 120),
        ("at 14:03:20", 100),
        ("around 14:04 UTC", 60),
        ("at 2:03 pm", 120),
        ("at 2:03pm", 120),
        ("yesterday at 14:03", 86520),
        ("at 14:03 yesterday", 86520),
        ("at 23:10", 53700),
        ("at 2026-11-21T14:03:20Z", 100),
        ("at 2026-11-21 15:03:20+01:00", 100),
        ("2026-11-20T14:05", 86400),
    ],
)
def test_times_are_read(text: str, age_s: float) -> None:
    question = f"What was there {text}?"
    (moment,) = moments(question, AS_OF)
    assert AS_OF - moment.time_s == pytest.approx(age_s)
    assert question[moment.end :] == "?"


@pytest.mark.parametrize(
    "text",
    [
        "What is there now?",
        "Were 40 seconds enough?",
        "at 7",
        "at 99:99",
        "at 13:00 pm",
        "2026-13-45T10:00",
        "long ago",
        "look at 3 dogs",
    ],
)
def test_other_words_are_no_times(text: str) -> None:
    assert moments(text, AS_OF) == []


def test_the_mark_of_the_covering_slot_follows_the_words() -> None:
    question = "What was there 40 seconds ago?"
    assert annotate(question, SLOTS, AS_OF) == "What was there 40 seconds ago (037s)?"


def test_each_time_gets_its_own_mark() -> None:
    asked = annotate("Was it there 15 seconds ago and at 14:03:32 too?", SLOTS, AS_OF)
    assert asked == "Was it there 15 seconds ago (010s) and at 14:03:32 (090s) too?"


def test_between_slots_the_nearest_is_meant() -> None:
    assert slot_at(SLOTS, AS_OF - 50) == 1
    assert slot_at(SLOTS, AS_OF - 70) == 0


def test_of_covering_slots_the_shortest_is_meant() -> None:
    slots = _slots((60.0, 30.0, 0.0), (40.0, 33.0, 20.0))
    assert slot_at(slots, AS_OF - 30) == 1
    assert slot_at(slots, AS_OF - 50) == 0


def test_before_the_first_frame_nothing_was_seen() -> None:
    assert slot_at(SLOTS, AS_OF - 101) == 0
    assert slot_at(SLOTS, AS_OF - 110) is None
    asked = annotate("What was there 5 minutes ago?", SLOTS, AS_OF)
    assert asked == "What was there 5 minutes ago (not seen)?"


def test_the_future_is_now() -> None:
    assert slot_at(SLOTS, AS_OF + 30) == 2
