from datetime import UTC, datetime

import numpy as np
import pytest

from flashstream.evals.world.exam.scores import DRAWS, bootstrap, shares
from flashstream.evals.world.exam.worlds import Asked
from flashstream.evals.world.questions.answers import YesNo
from flashstream.evals.world.questions.question import Question


def asked(world: int, moment: float, kind: str = "when", horizon: str = "1h") -> Asked:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    answer = YesNo(True, chance=0.25 if kind == "when" else 0.5)
    question = Question("id", kind, "form", "text?", moment, at, answer, 3600.0)
    return Asked(world, horizon, question)


def interval(hits: np.ndarray, clusters: np.ndarray, strata: np.ndarray) -> tuple[float, float]:
    drawn = bootstrap(hits[np.newaxis], clusters, strata, 1)[0]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def test_questions_of_their_own_have_the_binomial_interval() -> None:
    hits = np.arange(400) % 5 != 0  # 0.8 of 400
    low, high = interval(hits, np.arange(400), np.zeros(400, int))
    spread = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert low == pytest.approx(0.8 - spread, abs=0.004)
    assert high == pytest.approx(0.8 + spread, abs=0.004)


def test_questions_that_stand_together_are_worth_one() -> None:
    hits = np.repeat(np.arange(100) % 5 != 0, 4)  # a hundred moments of four questions each
    low, high = interval(hits, np.repeat(np.arange(100), 4), np.zeros(400, int))
    spread = 1.96 * np.sqrt(0.8 * 0.2 / 100)
    assert high - low == pytest.approx(2 * spread, abs=0.012)
    # A yes and a no of one moment, of which always one is right, leave no doubt at all.
    pairs = np.arange(400) % 2 == 0
    assert interval(pairs, np.arange(400) // 2, np.zeros(400, int)) == (0.5, 0.5)


def test_worlds_are_not_drawn_among_each_other() -> None:
    hits = np.repeat([True, False], 50)
    worlds = np.repeat([0, 1], 50)
    assert interval(hits, np.arange(100), worlds) == (0.5, 0.5)
    low, high = interval(hits, np.arange(100), np.zeros(100, int))
    assert high - low > 0.15


def test_all_policies_are_drawn_alike() -> None:
    hits = np.random.default_rng(0).random((2, 60)) < 0.5
    same = bootstrap(np.stack([hits[0], hits[0], hits[1]]), np.arange(60), np.zeros(60, int), 3)
    assert same.shape == (3, DRAWS)
    assert (same[0] == same[1]).all()
    assert not (same[0] == same[2]).all()


def test_shares_are_those_of_what_was_asked() -> None:
    questions = [
        asked(0, 1.0),
        asked(0, 1.0, "how_long"),
        asked(0, 2.0, horizon="10s"),
        asked(1, 1.0, "now", ""),
    ]
    right = {
        "ours": np.array([True, True, False, True]),
        "blind": np.array([False, True, False, False]),
    }
    found = shares(questions, right, 0)
    assert found["overall"] == {"ours": 0.75, "blind": 0.25}
    assert found["kind"] == {"now": 1.0, "when": 0.5, "how_long": 1.0}
    assert found["horizon"] == {"10s": 0.0, "1h": 1.0}
    assert list(found["horizon"]) == ["10s", "1h"]
    assert found["by_policy"]["blind"] == {
        "kind": {"now": 0.0, "when": 0.0, "how_long": 1.0},
        "horizon": {"10s": 0.0, "1h": 0.5},
    }
    assert found["questions"] == 4
    assert found["asked"]["horizon"] == {"10s": 1, "1h": 2}
    assert found["chance"]["overall"] == 0.375
    assert found["chance"]["kind"]["when"] == 0.25
    assert found["difference"]["blind"]["share"] == 0.5
    for name, (low, high) in found["interval"].items():
        assert low <= found["overall"][name] <= high
    low, high = found["difference"]["blind"]["interval"]
    assert 0 < low <= 0.5 <= high
    assert shares(questions, right, 0) == found
