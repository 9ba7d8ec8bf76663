"""An interrupted run goes on, and pays for nothing twice."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support import published_data as data
from support.published_model import ColourModel, colour_answer, quiet
from support.servers import wait_until

from flashstream.config import Settings
from flashstream.errors import EngineError, JudgeFailedError, RunFolderError
from flashstream.evals.published.benchmark import benchmark
from flashstream.evals.published.ledger import Answered, Ledger, VerdictLine
from flashstream.evals.published.run import run
from flashstream.evals.published.selection import Options

TESTS = Path(__file__).parents[2]
COUNT = 8


def make(folder: Path) -> None:
    """Questions about two videos, all of them open-ended."""
    entries = [
        {"answer": "red", "id": n, "question": f"what is there {n}?", "video_id": n % 2}
        for n in range(COUNT)
    ]
    data.write_json(folder / "test_qa.json", entries)
    for number in (0, 1):
        data.write_video(folder / f"video/video{number}.mp4", ["blue", "red"])


def go(folder: Path, settings: Settings, model: ColourModel, **more: Any) -> dict[str, Any]:
    options = Options(folder, folder / "run", "test", **more)
    return run(benchmark("msrvtt-qa"), options, settings, quiet, model)


def test_after_the_engine_failed_no_call_is_repeated(tmp_path: Path, judge: Any) -> None:
    make(tmp_path)

    def failing(text: str, snapshot: Any) -> str:
        if "there 5" in text:
            raise EngineError("the engine is gone")
        return colour_answer(text, snapshot)

    broken = ColourModel(say=failing)
    with pytest.raises(EngineError, match="gone"):
        go(tmp_path, judge.settings(), broken)
    answered = set(broken.asked) - {"what is there 5?"}
    # What had been answered was judged, too, before the failure was told.
    assert set(judge.asked) == answered
    model = ColourModel()
    result = go(tmp_path, judge.settings(), model)
    assert result["overall"]["accuracy"] == 1.0
    assert len(model.asked) == COUNT - len(answered)
    assert not answered & set(model.asked)
    assert judge.asked == Counter({f"what is there {n}?": 1 for n in range(COUNT)})


def test_after_the_judge_failed_answers_are_kept(tmp_path: Path, judge: Any) -> None:
    make(tmp_path)
    fair = judge.respond
    judge.respond = lambda *_: (500, {}, {})
    model = ColourModel()
    with pytest.raises(JudgeFailedError):
        go(tmp_path, judge.settings(attempts=1), model)
    kept = len(model.asked)
    assert kept
    judge.respond = fair
    judge.asked.clear()
    assert go(tmp_path, judge.settings(), model)["overall"]["score"] == 5.0
    assert len(model.asked) == len(set(model.asked)) == COUNT
    assert sum(judge.asked.values()) == COUNT
    # A third time there is nothing left to do: no video is opened, nothing is asked.
    for video in (tmp_path / "video").iterdir():
        video.write_bytes(b"not a video any more")
    assert go(tmp_path, judge.settings(), model)["overall"]["score"] == 5.0
    assert sum(judge.asked.values()) == len(model.asked) == COUNT
    assert model.started == 2


def test_after_a_kill_only_what_was_under_way_is_asked_again(tmp_path: Path, judge: Any) -> None:
    make(tmp_path)
    stuck, killed, fair = threading.Event(), threading.Event(), judge.respond

    def stopping(question: str, *rest: str) -> Any:
        if judge.asked.total() == 4:
            stuck.set()
            assert killed.wait(60)
        return fair(question, *rest)

    judge.respond = stopping
    log = tmp_path / "asked.log"
    code = f"""
from pathlib import Path
from support.published_model import ColourModel, quiet
from flashstream.config import JudgeSettings, Settings
from flashstream.deployments.engine.settings import EngineSettings
from flashstream.evals.published.benchmark import benchmark
from flashstream.evals.published.run import run
from flashstream.evals.published.selection import Options
judge = JudgeSettings(base_url={judge.url!r}, model="grader", concurrency=1)
folder = Path({str(tmp_path)!r})
run(benchmark("msrvtt-qa"), Options(folder, folder / "run", "test"),
    Settings(judge=judge, engine=EngineSettings(max_num_seqs=1)), quiet,
    ColourModel(log=Path({str(log)!r})))
"""
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        assert stuck.wait(60)
        # One answer is kept beside the one being judged, then the run waits for the judge: killed
        # before, it might be between a question's answer and its line, and would ask that again.
        results = tmp_path / "run/results.jsonl"
        wait_until(lambda: results.read_text().count('"step": "answer"') == 5)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    killed.set()
    judge.respond = fair
    before, asked_before = judge.asked.copy(), Counter(log.read_text().splitlines())
    assert before.total() == 4
    model = ColourModel()
    assert go(tmp_path, judge.settings(concurrency=1), model)["overall"]["accuracy"] == 1.0
    assert set(judge.asked) == {f"what is there {n}?" for n in range(COUNT)}
    # The fourth verdict never reached the run; it is the only one that is asked for again.
    assert sorted(judge.asked.values()) == [1] * (COUNT - 1) + [2]
    assert not asked_before & Counter(model.asked)
    assert (asked_before.total(), len(model.asked)) == (5, COUNT - 5)


def test_a_torn_last_line_is_dropped_with_a_warning(tmp_path: Path) -> None:
    config = {"benchmark": "b"}
    with Ledger(tmp_path, config) as ledger:
        ledger.answer("q1", Answered("réponse\u2028 in two", 3, 4))
        ledger.verdict("q1", VerdictLine(True, 4.0, "yes"))
        ledger.answer("q2", Answered("lost"))
    path = tmp_path / "results.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with capture_logs() as logs, Ledger(tmp_path, config) as ledger:
        assert ledger.answers == {"q1": Answered("réponse\u2028 in two", 3, 4)}
        assert ledger.verdicts == {"q1": VerdictLine(True, 4.0, "yes")}
        ledger.answer("q2", Answered("lost"))
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert path.read_bytes() == whole


def test_a_line_damaged_in_the_middle_is_told(tmp_path: Path) -> None:
    with Ledger(tmp_path, {}) as ledger:
        ledger.answer("q1", Answered("one"))
        ledger.answer("q2", Answered("two"))
    path = tmp_path / "results.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"one"', b'"on', 1))
    with pytest.raises(RunFolderError, match=r"results\.jsonl, line 1"):
        Ledger(tmp_path, {})


def test_another_configuration_is_refused_by_what_differs(tmp_path: Path, judge: Any) -> None:
    make(tmp_path)
    go(tmp_path, judge.settings(), ColourModel())
    with pytest.raises(RunFolderError, match=r"its fps is 1\.0, not 2\.0") as refusal:
        go(tmp_path, judge.settings(), ColourModel(), fps=2.0)
    assert refusal.value.exit_code == 2
    with pytest.raises(RunFolderError, match="its judge is 'grader', not 'other'"):
        go(tmp_path, judge.settings(model="other"), ColourModel())
    entries = json.loads((tmp_path / "test_qa.json").read_text())
    entries[0]["answer"] = "blue"
    data.write_json(tmp_path / "test_qa.json", entries)
    with pytest.raises(RunFolderError, match="its annotations is"):
        go(tmp_path, judge.settings(), ColourModel())


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with Ledger(tmp_path, {}), pytest.raises(RunFolderError, match="another process"):
        Ledger(tmp_path, {})
    with Ledger(tmp_path, {}):
        pass


def test_results_without_their_run_are_refused(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text("")
    with pytest.raises(RunFolderError, match=r"no run\.json"):
        Ledger(tmp_path, {})
