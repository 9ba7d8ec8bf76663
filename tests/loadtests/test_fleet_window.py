"""When cameras count as watched, and what each costs, from two looks."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from flashstream.loadtests.fleet_window import WATCHED, Limits, Window, costs, quantiles
from flashstream.loadtests.resources import Reading, Use


def looked(cpu_s: float, taken: int) -> Reading:
    reading = Reading(store={"total_net_input_bytes": taken, "used_cpu_user": cpu_s})
    reading.store["used_cpu_sys"] = 0.0
    for kind in ("stream", "encoder", "fleet", "answerer"):
        reading.by_kind[kind] = Use(processes=1, rss=800, uss=400, cpu_s=cpu_s)
    return reading


ASKED = {"asked": 100, "answered": 40, "held_back": 0, "unclear": 0, "refusals": Counter(full=60)}
WINDOW = Window(
    cameras=4,
    seconds=100.0,
    dropped=0,
    seen=400,
    ages_s=[1.0] * 95 + [9.0] * 5,
    questions=ASKED,
    before=looked(1.0, 1000),
    after=looked(11.0, 41_000),
    held_bytes=(3600, 4000),
    picture_bytes=(100, 300),
)


def test_cameras_pass_though_questions_are_refused() -> None:
    assert WINDOW.passed(WATCHED)
    assert not WINDOW.all_answered
    assert replace(WINDOW, questions=ASKED | {"answered": 100}).all_answered


@pytest.mark.parametrize(
    "changes",
    [
        {"dropped": 1},
        {"seen": 387},
        {"ages_s": []},
        {"ages_s": [1.0] * 90 + [9.0] * 10},
        {"questions": ASKED | {"asked": 0, "answered": 0}},
        {"questions": ASKED | {"held_back": 1}},
        {"questions": ASKED | {"unclear": 1}},
    ],
)
def test_one_thing_amiss_fails_them(changes: dict[str, Any]) -> None:
    assert not replace(WINDOW, **changes).passed(WATCHED)


def test_limits_are_those_asked_for() -> None:
    assert not WINDOW.passed(Limits(fps=2.0))
    assert WINDOW.passed(Limits(fps=0.5))
    assert not WINDOW.passed(Limits(oldest_s=0.9))


def test_what_a_camera_costs() -> None:
    assert costs(WINDOW) == {
        "rss_bytes_per_camera": 200,
        "uss_bytes_per_camera": 100,
        "cpu_per_camera": 0.1,  # three kinds and the store, 10 s each, in 100 s for 4 cameras
        "redis_bytes_written_per_camera_hour": 360_000,
        "of_which_pictures_of_answers": 1800,
        "redis_bytes_per_camera": 1000,
        "redis_bytes_per_camera_growth": 100,
    }


def test_a_row_says_what_each_kind_of_process_used() -> None:
    row = WINDOW.row(WATCHED)
    assert row["passed"]
    assert row["frames_per_s"] == 4.0
    assert row["cpu_cores"] == dict.fromkeys(("answerer", "encoder", "fleet", "stream"), 0.1)
    assert row["snapshot_age_s"]["max"] == 9.0
    assert quantiles([]) is None
