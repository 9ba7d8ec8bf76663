import re
from datetime import UTC, datetime

import numpy as np
import pytest

from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.questions.phrases import read_age, read_span
from flashstream.evals.world.questions.sampler import Wanted, sample
from flashstream.evals.world.world import World, WorldSpec
from flashstream.memory_store.snapshot import Slots
from flashstream.models.demo.clock import Span, annotate, moments, slot_at, slots_in, spans
from flashstream.models.demo.pack import slot_marks

AS_OF = datetime(2026, 11, 21, 14, 5, 0, tzinfo=UTC).timestamp()


def _slots(*spans: tuple[float, float, float], as_of: float = AS_OF) -> Slots:
    """(first, mean, last) as ages in seconds."""
    first, mean, last = (as_of - np.array(column) for column in zip(*spans, strict=True))
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
        ("ten minutes and 5 seconds ago", 605),
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
    assert annotate(question, SLOTS, AS_OF) == "What was there 40 seconds ago (045s)?"


def test_each_time_gets_its_own_mark() -> None:
    asked = annotate("Was it there 15 seconds ago and at 14:03:32 too?", SLOTS, AS_OF)
    assert asked == "Was it there 15 seconds ago (029s) and at 14:03:32 (100s) too?"


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


def test_and_is_no_length_of_time() -> None:
    found = moments("Was it there 10 minutes ago and 5 minutes ago?", AS_OF)
    assert [AS_OF - moment.time_s for moment in found] == [600, 300]


# Slots that began 50, 30, 20, 10 and 1 minutes ago.
HOUR = _slots(*((60.0 * age, 60.0 * age - 10, 60.0 * age - 20) for age in (50, 30, 20, 10, 1)))


@pytest.mark.parametrize(
    ("text", "age_s"),
    [
        ("in the last 20 minutes", 1200),
        ("in the past hour", 3600),
        ("within the last minute", 60),
        ("during the past 40 seconds", 40),
        ("in the last 1 hour 30 minutes", 5400),
        ("of the last 2 hours and 10 minutes", 7800),
        ("in the last half an hour", 1800),
        ("in the past twenty-five minutes", 1500),
        ("in the last 90s", 90),
    ],
)
def test_a_stretch_up_to_now_is_read(text: str, age_s: float) -> None:
    question = f"What was there {text}, and who?"
    (span,) = spans(question, AS_OF)
    assert (AS_OF - span.start_s, span.stop_s) == (age_s, AS_OF)
    assert question[span.end :] == ", and who?"
    assert text.endswith(question[span.begin : span.end])


@pytest.mark.parametrize(
    ("text", "early_s", "late_s"),
    [
        ("between 20 minutes ago and 5 minutes ago", 1200, 300),
        ("from 20 minutes ago to 40 seconds ago", 1200, 40),
        ("between 20 minutes and 5 minutes ago", 1200, 300),
        ("between 20 and 5 minutes ago", 1200, 300),
        ("from 5 to twenty minutes ago", 1200, 300),
        ("between 2 hours and 1 hour 30 minutes ago", 7200, 5400),
        ("between an hour ago and half an hour ago", 3600, 1800),
        ("between 13:05:00 and 14:00", 3600, 300),
        ("from 14:04:10 to 14:04:50", 50, 10),
        ("from 14:01 until 14:04", 240, 60),
        ("between 23:05 and 0:05", 54000, 50400),
        ("between 14:00 and 15:00", 300, 0),  # three o'clock is yet to come
    ],
)
def test_a_stretch_that_is_over_is_read(text: str, early_s: float, late_s: float) -> None:
    question = f"What came {text}?"
    (span,) = spans(question, AS_OF)
    assert (AS_OF - span.start_s, AS_OF - span.stop_s) == (early_s, late_s)
    assert question[span.begin : span.end] == text


@pytest.mark.parametrize(
    "text",
    [
        "Which came last, the fox or the bear?",
        "What was there between the fox and the bear?",
        "What came between 25:00 and 26:00?",
        "What came between 13:00 and 13:99?",
        "Is the last door 5 minutes from here?",
        "What was there 20 minutes ago?",
        "Was the bell the first and the compass the last?",
    ],
)
def test_other_words_are_no_stretch(text: str) -> None:
    assert spans(text, AS_OF) == []


def test_slots_of_a_stretch_are_those_that_begin_in_it_oldest_first() -> None:
    span = Span(0, 0, AS_OF - 1800, AS_OF - 600)
    assert slots_in(HOUR, span) == [1, 2, 3]
    assert slots_in(HOUR, Span(0, 0, AS_OF - 1801, AS_OF - 599)) == [1, 2, 3]
    assert slots_in(HOUR, Span(0, 0, AS_OF - 1797, AS_OF - 603)) == [2]
    backwards = Slots(
        HOUR.ids[::-1],
        HOUR.weights,
        HOUR.first_s[::-1],
        HOUR.mean_s[::-1],
        HOUR.last_s[::-1],
        HOUR.pictures,
    )
    assert slots_in(backwards, span) == [3, 2, 1]


@pytest.mark.parametrize(
    ("question", "annotated"),
    [
        (
            "What has been seen in the last 25 minutes?",
            "What has been seen in the last 25 minutes (since 020m)?",
        ),
        (
            "Sum up the last hour: what was there?",
            "Sum up the last hour (since 050m): what was there?",
        ),
        (
            "What came between 35 minutes ago and 5 minutes ago?",
            "What came between 35 minutes ago and 5 minutes ago (from 030m to 600s)?",
        ),
        (
            "Which things arrived between 13:40 and 13:50, in order?",
            "Which things arrived between 13:40 and 13:50 (from 020m to 020m), in order?",
        ),
        ("What came in the past 30 seconds?", "What came in the past 30 seconds (nothing new)?"),
        (
            "What came between 9 and 5 minutes ago?",
            "What came between 9 and 5 minutes ago (nothing new)?",
        ),
        ("What came between 25:00 and 26:00?", "What came between 25:00 and 26:00?"),
        (
            "Who came in the last 12 minutes, and was it there 20 minutes ago?",
            "Who came in the last 12 minutes (since 600s), and was it there 20 minutes ago (020m)?",
        ),
    ],
)
def test_a_stretch_gets_the_marks_of_its_first_and_last_slot(question: str, annotated: str) -> None:
    assert annotate(question, HOUR, AS_OF) == annotated


def test_the_stretches_of_the_world_s_questions_are_read_and_marked() -> None:
    """Their lengths are as the questions' own templates say them, and all other kinds have none."""
    kinds = ("scene_summary", "event_occurrence", "between", "how_many", "when", "now")
    book, templates = PictureBook(), set()
    rng = np.random.default_rng(0)
    for seed, length in enumerate((90.0, 600.0, 3600.0, 86400.0)):
        fps = 0.2 if length > 9e3 else 1.0
        world = World(WorldSpec("test", seed, length_s=length, fps=fps), book)
        for asked in sample(world, Wanted(of_each=12, kinds=kinds), seed):
            as_of = asked.asked_at.timestamp()
            ages = np.sort(rng.uniform(0, asked.moment_s, 30))[::-1]
            slots = _slots(*((age, 0.8 * age, 0.6 * age) for age in ages), as_of=as_of)
            found = spans(asked.text, as_of)
            if asked.kind in ("when", "now") or asked.template in ("ever", "times"):
                assert annotate(asked.text, slots, as_of) == asked.text
                assert not found
                continue
            templates.add((asked.kind, asked.template))
            (span,) = found
            words = asked.text[span.begin : span.end]
            if asked.kind == "between":
                pieces = re.split(" and | to ", words)
                wanted = [read_age(piece, asked.asked_at) for piece in pieces]
            else:
                wanted = [read_span(words), 0.0]
            assert [as_of - span.start_s, as_of - span.stop_s] == pytest.approx(wanted, abs=1)
            marks = [
                f"{value:03d}{'smhd'[unit]}"
                for (value, unit), age in zip(slot_marks(slots, as_of), ages, strict=True)
                if span.start_s - 2 <= as_of - age <= span.stop_s + 2
            ]
            if not marks:
                note = "nothing new"
            elif asked.kind == "between":
                note = f"from {marks[0]} to {marks[-1]}"
            else:
                note = f"since {marks[0]}"
            annotated = annotate(asked.text, slots, as_of)
            assert annotated == asked.text[: span.end] + f" ({note})" + asked.text[span.end :]
    assert templates == {
        ("scene_summary", "all"),
        ("scene_summary", "group"),
        ("event_occurrence", "within"),
        ("between", "ago"),
        ("between", "clock"),
        ("how_many", "different"),
    }
