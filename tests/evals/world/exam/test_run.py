import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.exam import Oracle, TinyFamily, quiet

from flashstream.config import Settings
from flashstream.errors import (
    EngineError,
    InvalidRequestError,
    MissingPackageError,
    QuestionTooLongError,
    SettingError,
)
from flashstream.evals.world.exam import report
from flashstream.evals.world.exam.run import Options, run
from flashstream.evals.world.exam.sitting import sit_all
from flashstream.evals.world.exam.worlds import Length, Paper, paper
from flashstream.memory_store.snapshot import MemorySnapshot

SHORT = (Length(40.0, 1.0, (1, 2), {"10s": 1}, now=2),)
OPTIONS = Options("dev", lengths=SHORT, workers=1)
ONE_WORLD = replace(OPTIONS, lengths=(replace(SHORT[0], seeds=(1,)),))


def truths(exam: Paper) -> dict[tuple[str, float], str]:
    return {
        (asked.question.text, asked.question.asked_at.timestamp()): asked.question.answer.text
        for asked in exam.questions
    }


def test_who_knows_the_truth_is_right_and_who_says_yes_is_right_where_yes_is(
    family: TinyFamily, tmp_path: Path
) -> None:
    exam = paper("dev", lengths=SHORT)
    known = truths(exam)

    def say(text: str, snapshot: MemorySnapshot) -> str:
        if snapshot.stream.endswith(" ours"):
            return known[text, snapshot.as_of]
        return "Yes."

    oracle = Oracle(say)
    told: list[tuple[str, float]] = []
    result = run(
        OPTIONS,
        Settings(cache_dir=tmp_path),
        lambda step, share: told.append((step, share)),
        family=family,
        answering=oracle.opened(),
    )
    yes = [asked.question.right("Yes.") for asked in exam.questions]
    assert 0 < sum(yes) < len(yes)
    assert result["overall"] == {"ours": 1.0} | dict.fromkeys(
        ("fifo", "uniform", "streaming_kmeans", "blind"), round(float(np.mean(yes)), 4)
    )
    assert result["interval"]["ours"] == [1.0, 1.0]
    assert set(result["kind"].values()) == set(result["horizon"].values()) == {1.0}
    assert list(result["horizon"]) == ["10s"]
    assert result["by_policy"]["fifo"]["kind"]["event_occurrence"] == 0.5
    assert result["questions"] == len(exam.questions) == len(result["items"])
    assert result["tokens"] == {
        "ours": family.memory.tokens,
        "fifo": family.memory.tokens,
        "uniform": family.memory.tokens,
        "streaming_kmeans": family.memory.tokens,
        "blind": 0,
    }
    for item, asked, right in zip(result["items"], exam.questions, yes, strict=True):
        assert item["question"] == asked.question.text
        assert item["said"]["ours"] == item["answer"] == asked.question.answer.text
        assert item["said"]["fifo"] == "Yes."
        assert item["right"] == (list(result["overall"]) if right else ["ours"])
    assert [world["frames"] for world in result["worlds"]] == [40, 40]
    assert list(result["seconds"]) == ["preparing", "watching", "asking"]
    assert family.made.frames <= 80
    steps = dict(told)
    assert set(steps.values()) == {1.0}
    assert f"asking {5 * len(exam.questions)} questions" in steps
    path = tmp_path / "result.json"
    report.write(path, result)
    assert json.loads(path.read_text()) == report.read(path) == json.loads(json.dumps(result))


def test_each_memory_is_asked_at_the_moment_with_what_was_seen(
    family: TinyFamily, tmp_path: Path
) -> None:
    oracle = Oracle(lambda text, snapshot: "No.")
    settings = Settings(cache_dir=tmp_path)
    run(OPTIONS, settings, quiet, family=family, answering=oracle.opened())
    exam = paper("dev", lengths=SHORT)
    moments = {
        (asked.question.text, asked.question.asked_at.timestamp()): asked.question.moment_s
        for asked in exam.questions
    }
    asked = defaultdict(list)
    for text, snapshot in oracle.asked:
        policy = snapshot.stream.partition(" ")[2]
        asked[policy].append(text)
        seen = 0 if policy == "blind" else int(moments[text, snapshot.as_of]) + 1
        assert snapshot.frames_seen == seen
    assert {len(texts) for texts in asked.values()} == {len(exam.questions)}
    assert len(asked) == 5
    uuids = [snapshot.uuid for _, snapshot in oracle.asked]
    changes = sum(one != other for one, other in pairwise(uuids))
    assert changes == len(set(uuids)) - 1  # one snapshot's questions come together


def test_other_policies_are_examined_by_name(family: TinyFamily, tmp_path: Path) -> None:
    options = replace(ONE_WORLD, policies=("papers", "ours"), features=tmp_path / "features")
    oracle = Oracle(lambda text, snapshot: "No.")
    settings = Settings(cache_dir=tmp_path)
    result = run(options, settings, quiet, family=family, answering=oracle.opened())
    assert list(result["overall"]) == ["papers", "ours"]
    assert family.made.frames == 40  # all frames are kept
    again = run(options, settings, quiet, family=family, answering=oracle.opened())
    assert family.made.frames == 40
    for same in (result, again):
        del same["seconds"]
    assert again == result


def test_a_question_that_does_not_fit_is_wrong_and_a_broken_engine_ends_all(
    family: TinyFamily, tmp_path: Path
) -> None:
    def long(text: str, snapshot: MemorySnapshot) -> str:
        raise QuestionTooLongError("too long")

    def broken(text: str, snapshot: MemorySnapshot) -> str:
        raise EngineError("it died")

    settings = Settings(cache_dir=tmp_path)
    result = run(ONE_WORLD, settings, quiet, family=family, answering=Oracle(long).opened())
    assert set(result["overall"].values()) == {0.0}
    assert {said for item in result["items"] for said in item["said"].values()} == {""}
    with pytest.raises(EngineError, match="it died"):
        run(ONE_WORLD, settings, quiet, family=family, answering=Oracle(broken).opened())


def test_processes_remember_the_same(family: TinyFamily) -> None:
    exam = paper("dev", lengths=SHORT)
    policies = ("ours", "uniform", "streaming_kmeans")
    alone, together = (
        sit_all(exam, policies, family, quiet, device="cpu", workers=workers) for workers in (1, 2)
    )
    for one, other in zip(alone, together, strict=True):
        assert one.keys() == other.keys()
        for moment, snapshots in one.items():
            for name, snapshot in snapshots.items():
                assert snapshot.uuid == other[moment][name].uuid


@pytest.mark.parametrize(
    "wrong",
    [
        Options("exam"),
        Options("dev", policies=("fifo",)),
        Options("dev", of_each=0),
        Options("dev", seed=-1),
        Options("dev", workers=0),
    ],
)
def test_bad_options_are_refused_before_any_work(
    wrong: Options, family: TinyFamily, tmp_path: Path
) -> None:
    oracle = Oracle(lambda text, snapshot: "No.")
    options = replace(wrong, features=tmp_path / "features")
    with pytest.raises((SettingError, InvalidRequestError)):
        run(options, Settings(), quiet, family=family, answering=oracle.opened())
    assert not (tmp_path / "features").exists()
    assert family.made.frames == 0


def test_missing_weights_are_told_before_any_work(family: TinyFamily, tmp_path: Path) -> None:
    class Bare(TinyFamily):
        def check(self) -> None:
            raise MissingPackageError("no weights")

    with pytest.raises(MissingPackageError, match="no weights"):
        run(OPTIONS, Settings(), quiet, family=Bare())
