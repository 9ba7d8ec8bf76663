"""Bad input is refused before any work, by what was looked for and where."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support import published_data as data
from support.published_model import ColourModel, quiet

from flashstream.config import Settings
from flashstream.errors import BenchmarkDataError, FlashstreamError, SettingError
from flashstream.evals.published.benchmark import BENCHMARKS, benchmark
from flashstream.evals.published.ledger import Answered
from flashstream.evals.published.run import run
from flashstream.evals.published.scores import mark
from flashstream.evals.published.selection import Options, find

FLASHSTREAM = str(Path(sys.executable).with_name("flashstream"))


def refused(name: str, folder: Path, part: str | None = None, **more: Any) -> str:
    """The message with which a benchmark is refused; nothing may have been made or asked."""
    found, model = benchmark(name), ColourModel()
    options = Options(folder, folder / "run", part or found.parts[0], **more)
    with pytest.raises(FlashstreamError) as refusal:
        run(found, options, Settings(), quiet, model)
    assert refusal.value.exit_code == 2
    assert model.asked == []
    assert not (folder / "run").exists()
    return refusal.value.message


@pytest.mark.parametrize("found", BENCHMARKS, ids=lambda found: found.name)
def test_a_missing_annotation_is_told_by_its_names(found: Any, tmp_path: Path) -> None:
    for part in found.parts:
        if "subtitles" not in part:
            said = refused(found.name, tmp_path, part)
            assert f"no annotation in {tmp_path}; looked for: " in said
            assert ".json" in said or ".csv" in said
    assert "there is no folder" in refused(found.name, tmp_path / "nowhere")


def test_an_unknown_benchmark_or_part_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="there are: vstream-qa, activitynet-qa, nextqa"):
        benchmark("vqa")
    with pytest.raises(SettingError, match="there are: vs_ego, vs_movie, rvs_ego, rvs_movie"):
        find(benchmark("vstream-qa"), Options(tmp_path, tmp_path, "rvs"))


def test_missing_videos_are_told_with_where_they_were_looked_for(tmp_path: Path) -> None:
    data.mlvu(tmp_path)
    for video in (tmp_path / "video").glob("*/*.mp4"):
        video.unlink()
    said = refused("mlvu", tmp_path)
    assert "7 of mlvu's videos are missing" in said
    assert "1_plotQA/1_plotQA_1.mp4, 1_plotQA_1.mp4 in " in said
    assert str(tmp_path / "video") in said
    assert "--skip-missing" in said
    assert "no folder" in refused("mlvu", tmp_path, videos=tmp_path / "elsewhere")
    # With --skip-missing, too, something has to be left to ask.
    assert "7 of mlvu's videos" in refused("mlvu", tmp_path, skip_missing=True)


def write(name: str, content: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    return make


MSVD, LVB, NEXT = "test_qa.json", "video_info.meta.jsonl", "mc/test.csv"


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("msvd-qa", write(MSVD, "[{]"), "test_qa.json, line 1: not JSON"),
        ("msvd-qa", write(MSVD, "{}"), "holds an object; a list of objects is taken"),
        ("msvd-qa", write(MSVD, "[]"), "there is no question in it"),
        ("msvd-qa", write(MSVD, "[1]"), "entry 0: 1; an object is taken"),
        (
            "msvd-qa",
            write(MSVD, '[{"id": 1, "video_id": 2, "answer": "x"}]'),
            "test_qa.json, entry 0: has no 'question'; there are: id, video_id, answer",
        ),
        (
            "msvd-qa",
            write(MSVD, '[{"id": 1, "video_id": 2, "answer": " ", "question": "what"}]'),
            "entry 0: 'answer' is empty",
        ),
        (
            "msvd-qa",
            write(MSVD, str([{"id": 1, "video_id": 2, "answer": "x", "question": "what"}] * 2)
                  .replace("'", '"')),
            "two questions have the id '1'",
        ),
        ("lvbench", write(LVB, '{"key": "a"'), "meta.jsonl, line 1: not JSON"),
        (
            "lvbench",
            write(LVB, '{"key": "a", "type": "tv", "qa": [{"uid": 1, "question": "Which?", '
                  '"answer": "A", "question_type": ["x"]}]}'),
            "line 1, qa 0: 'question' has no lines '(A) …'",
        ),
        (
            "lvbench",
            write(LVB, '{"key": "a", "type": "tv", "qa": [{"uid": 1, "question": '
                  '"Which?\\n(A) x\\n(B) y", "answer": "C", "question_type": ["x"]}]}'),
            "'answer' is 'C'; a letter from A to B is taken",
        ),
        ("nextqa", write(NEXT, "video,question\n1,why\n"), "has no column answer, qid, type, a0"),
        (
            "nextqa",
            write(NEXT, "video,question,answer,qid,type,a0,a1,a2,a3,a4\n1,why,7,1,CW,a,b,c,d,e\n"),
            "test.csv, line 2: 'answer' is 7; 0 to 4 is taken",
        ),
        (
            "nextqa",
            write(NEXT, "video,question,answer,qid,type,a0,a1,a2,a3,a4\n1,why,1,1,XX,a,b,c,d,e\n"),
            "'type' is 'XX'",
        ),
        ("video-mme", write("videomme/test-0.parquet", ""), "write its rows as JSON lines"),
    ],
)  # fmt: skip
def test_malformed_entries_are_told_by_file_and_entry(
    name: str, make: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    make(tmp_path)
    assert says in refused(name, tmp_path)


def test_second_answers_of_another_shape_are_told(tmp_path: Path) -> None:
    data.nextqa_oe(tmp_path)
    data.write_json(tmp_path / "oe/add_reference_answer_test.json", {"24": "green"})
    assert "video '24': an object of answers" in refused("nextqa", tmp_path, "oe")


def test_answers_that_do_not_belong_are_told(tmp_path: Path) -> None:
    data.activitynet(tmp_path)
    data.write_json(tmp_path / "test_a.json", [])
    assert "has no answer to question_id 'v_1QI_0'" in refused("activitynet-qa", tmp_path)
    data.mlvu(tmp_path)
    wrong = [{"video": "a.mp4", "question": "q", "question_type": "plotQA"}]
    data.write_json(
        tmp_path / "json/1_plotQA.json", [wrong[0] | {"candidates": ["x", "y"], "answer": "z"}]
    )
    assert "'answer' is 'z', which is none of the candidates" in refused("mlvu", tmp_path)


def test_few_answers_that_are_no_candidates_are_wrong_and_warned_of(tmp_path: Path) -> None:
    """As in the published files, which have candidates that are empty or come twice, too."""
    data.mlvu(tmp_path)
    good = {
        "video": "1_plotQA_1.mp4",
        "question": "q",
        "question_type": "plotQA",
        "candidates": ["red", "green", "", "green"],
        "answer": "green",
    }
    blank = good | {"question": "", "candidates": ["", ""], "answer": ""}
    entries = [good] * 30 + [good | {"answer": ""}, good | {"answer": "violet"}, blank]
    data.write_json(tmp_path / "json/1_plotQA.json", entries)
    with capture_logs() as logs:
        questions = benchmark("mlvu").annotations(tmp_path, "dev").questions
    assert [q.answers for q in questions[29:32]] == [("B", "D"), ("C",), ("-",)]
    (warned,) = logs
    assert (warned["wrong"], warned["left_out"]) == (["entry 31"], ["entry 32"])
    assert questions[32].id == "2_needle/0"
    for text, correct in (("D", True), ("(b)", True), ("A", False)):
        assert mark(questions[0], Answered(text), None).correct is correct
    assert mark(questions[31], Answered("-"), None).correct is False


@pytest.mark.parametrize(
    ("end_time", "says"),
    [
        (2600, "'end_time' is 2600, outside of its clip, which is 2430 to 2433 s"),
        ("soon", "'end_time' is 'soon'; a number is taken"),
    ],
)
def test_moments_outside_of_their_clip_are_refused(
    end_time: Any, says: str, tmp_path: Path
) -> None:
    data.rvs_ego(tmp_path)
    entry = {"id": "0", "video_id": "000000", "question": "q", "answer": "a", "end_time": end_time}
    data.write_json(tmp_path / "vstream-realtime/test_qa_ego4d.json", [entry])
    assert says in refused("vstream-qa", tmp_path, "rvs_ego")


def test_moments_may_be_the_clip_s_own_if_all_are(tmp_path: Path) -> None:
    data.rvs_ego(tmp_path)
    path = tmp_path / "vstream-realtime/test_qa_ego4d.json"
    for ends, expected in (((1, 3), [1, 3]), ((2431, 2433), [1, 3])):
        entries = [
            {"id": n, "video_id": "000000", "question": "q", "answer": "a", "end_time": end}
            for n, end in enumerate(ends)
        ]
        data.write_json(path, entries)
        questions = benchmark("vstream-qa").annotations(tmp_path, "rvs_ego").questions
        assert [question.end for question in questions] == expected


def test_a_moment_must_be_named_by_a_picture_that_is_there(tmp_path: Path, judge: Any) -> None:
    data.rvs_movie(tmp_path)
    entry = {"id": 0, "video_id": "tt1_0008_0009", "question": "q", "answer": "a"}
    path = tmp_path / "vstream-realtime/test_qa_movienet.json"
    data.write_json(path, [entry | {"end_time": "12"}])
    assert "a key frame's name is taken" in refused("vstream-qa", tmp_path, "rvs_movie")
    data.write_json(path, [entry | {"end_time": "shot_0099_img_0.jpg"}])
    options = Options(tmp_path, tmp_path / "run", "rvs_movie")
    with pytest.raises(BenchmarkDataError, match="has no picture shot_0099_img_0"):
        run(benchmark("vstream-qa"), options, judge.settings(), quiet, ColourModel())


def test_the_command_ends_with_2_and_says_why(tmp_path: Path) -> None:
    for arguments, says in (
        (["vqa"], "there are: photos"),
        (["mlvu", "--data", str(tmp_path), "--out", str(tmp_path / "o")], "1_plotQA.json"),
    ):
        done = subprocess.run(
            [FLASHSTREAM, "eval", *arguments], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr
