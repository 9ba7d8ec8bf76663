"""Each benchmark in its own format, from its files through video, memory and judge to a score."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import published_data as data
from support.published_model import ColourModel, quiet

from flashstream.config import Settings
from flashstream.evals.published.benchmark import BENCHMARKS, benchmark
from flashstream.evals.published.plan import plan
from flashstream.evals.published.run import run
from flashstream.evals.published.selection import Options


@dataclass(frozen=True)
class Case:
    """A data set, and what the colour model scores on it."""

    name: str
    part: str
    make: Callable[[Path], None]
    accuracy: float
    questions: int
    judged: int = 0
    score: float | None = None
    by: dict[str, dict[str, float | None]] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case(
        "vstream-qa",
        "vs_ego",
        data.vs_ego,
        accuracy=0.5,
        score=3.0,
        questions=2,
        judged=2,
        by={"kind": {"Scene Summary": 0.0, "Event Occurrence": 1.0}},
    ),
    Case("vstream-qa", "vs_movie", data.vs_movie, 1.0, 1, 1, 5.0),
    # Right only if each question sees the frames before its own moment, and no others.
    Case("vstream-qa", "rvs_ego", data.rvs_ego, 1.0, 3, 3, 5.0),
    Case("vstream-qa", "rvs_movie", data.rvs_movie, 1.0, 2, 2, 5.0),
    Case(
        "activitynet-qa",
        "test",
        data.activitynet,
        accuracy=2 / 3,
        score=11 / 3,
        questions=3,
        judged=3,
        by={"kind": {"motion": 1.0, "free": 0.5}, "answer_type": {"yes/no": 0.0, "color": 1.0}},
    ),
    Case(
        "nextqa",
        "mc",
        data.nextqa_mc,
        accuracy=0.5,
        questions=2,
        by={"kind": {"temporal": 1.0, "causal": 0.0}, "type": {"TN": 1.0, "CW": 0.0}},
    ),
    Case(
        "nextqa",
        "oe",
        data.nextqa_oe,
        accuracy=0.5,
        score=3.0,
        questions=2,
        judged=2,
        by={"kind": {"descriptive": 1.0, "causal": 0.0}},
    ),
    Case("msvd-qa", "test", data.msvd, 0.5, 2, 2, 3.0, {"kind": {"what": 1.0, "who": 0.0}}),
    Case("msrvtt-qa", "test", data.msrvtt, 1.0, 1, 1, 5.0, {"kind": {"what": 1.0}}),
    Case("egoschema", "subset", data.egoschema, 0.5, 2),
    Case("egoschema", "all", data.egoschema, 0.5, 3, more={"marked": 2}),
    # Three of nine are right, but M-Avg is the mean of the seven tasks.
    Case(
        "mlvu",
        "dev",
        data.mlvu,
        accuracy=3 / 9,
        questions=9,
        by={"kind": {"plotQA": 1.0, "findNeedle": 0.0}},
        more={"m_avg": 1 / 7},
    ),
    Case(
        "lvbench",
        "test",
        data.lvbench,
        accuracy=0.5,
        questions=2,
        by={"kind": {"entity recognition": 1.0, "reasoning": 0.5}, "video_type": {"cartoon": 0.5}},
    ),
    Case("mvbench", "test", data.mvbench, 1.0, 20, more={"avg": 1.0}),
    Case(
        "video-mme",
        "without_subtitles",
        data.videomme_rows,
        accuracy=0.5,
        questions=2,
        by={"duration": {"short": 1.0, "long": 0.0}, "domain": {"Knowledge": 0.5}},
    ),
    Case("video-mme", "with_subtitles", data.videomme_rows, 0.5, 2),
    Case(
        "video-mme",
        "without_subtitles",
        data.videomme_nested,
        accuracy=1.0,
        questions=1,
        by={"duration": {"medium": 1.0}, "kind": {"OCR Problems": 1.0}},
    ),
)


def test_every_benchmark_has_a_case() -> None:
    assert {case.name for case in CASES} == {found.name for found in BENCHMARKS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.part}")
def test_from_files_to_a_score(case: Case, tmp_path: Path, judge: Any) -> None:
    folder = tmp_path / "data"
    case.make(folder)
    options = Options(folder, tmp_path / "run", case.part)
    model, told = ColourModel(), []
    settings = judge.settings() if case.judged else Settings()
    result = run(benchmark(case.name), options, settings, lambda *step: told.append(step), model)
    overall = result["overall"]
    assert overall["accuracy"] == pytest.approx(case.accuracy)
    assert overall["questions"] == case.questions == len(model.asked)
    assert overall.get("score") == pytest.approx(case.score)
    for key, value in case.more.items():
        assert overall[key] == pytest.approx(value)
    for group, values in case.by.items():
        for value, accuracy in values.items():
            assert result["by"][group][value]["accuracy"] == accuracy, (group, value)
    assert sum(judge.asked.values()) == result["calls"]["judge"] == case.judged
    assert told[-1] == (f"{case.name} {case.part}", 1.0)
    assert json.loads((tmp_path / "run/scores.json").read_text()) == result

    planned = plan(benchmark(case.name), options, model)
    assert planned["model_calls"] == case.questions
    assert planned["judge_calls"] == case.judged
    assert planned["missing_videos"] == []
    words = sum(len(text) for text in model.asked) // 4
    assert planned["model_prompt_tokens"] == 50 * case.questions + words


def test_subtitles_come_before_the_question(tmp_path: Path) -> None:
    data.videomme_rows(tmp_path)
    model = ColourModel()
    options = Options(tmp_path, tmp_path / "run", "with_subtitles", limit=1)
    run(benchmark("video-mme"), options, Settings(), quiet, model)
    (asked,) = model.asked
    assert asked.splitlines() == [
        "Subtitles of the video:",
        "Once upon a time",
        "the end",
        "",
        "which colour is there now, 1?",
        "A. Blue.",
        "B. green",
        "C. red",
        "D. violet",
        "Answer with the letter of the best option only.",
    ]


def test_egoschema_writes_what_its_server_takes(tmp_path: Path) -> None:
    data.egoschema(tmp_path)
    options = Options(tmp_path, tmp_path / "run", "all")
    run(benchmark("egoschema"), options, Settings(), quiet, ColourModel())
    chosen = json.loads((tmp_path / "run/submission.json").read_text())
    assert chosen == {"0074f737": 1, "00aa7247": 1, "00b9a0de": 1}


def test_a_limit_is_spread_over_all_and_can_be_raised(tmp_path: Path) -> None:
    data.mlvu(tmp_path)
    model = ColourModel()
    found = benchmark("mlvu")
    options = Options(tmp_path, tmp_path / "run", "dev", limit=3)
    result = run(found, options, Settings(), quiet, model)
    assert result["overall"]["questions"] == 3
    assert set(result["by"]["kind"]) == {"plotQA", "findNeedle", "order"}
    result = run(found, Options(tmp_path, tmp_path / "run", "dev"), Settings(), quiet, model)
    assert result["overall"]["questions"] == 9
    assert len(model.asked) == len(set(model.asked)) == 9


def test_missing_videos_can_be_left_out_and_are_counted(tmp_path: Path) -> None:
    data.mlvu(tmp_path)
    (tmp_path / "video/2_needle/2_needle_1.mp4").unlink()
    options = Options(tmp_path, tmp_path / "run", "dev", skip_missing=True)
    result = run(benchmark("mlvu"), options, Settings(), quiet, ColourModel())
    assert result["overall"]["questions"] == 8
    assert result["missing_videos"] == 1
    assert plan(benchmark("mlvu"), options, ColourModel())["missing_videos"] == ["2_needle_1.mp4"]


def test_an_answer_without_a_letter_is_wrong_and_counted(tmp_path: Path) -> None:
    data.lvbench(tmp_path)
    model = ColourModel(say=lambda text, snapshot: "I cannot tell.")
    options = Options(tmp_path, tmp_path / "run", "test")
    overall = run(benchmark("lvbench"), options, Settings(), quiet, model)["overall"]
    assert overall == {"accuracy": 0.0, "questions": 2, "marked": 2, "unreadable": 2}
