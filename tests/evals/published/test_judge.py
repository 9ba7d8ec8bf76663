"""The judge's side: verdicts read, retries, refusals, and how many are asked at once."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from support import published_data as data
from support.published_model import ColourModel, quiet

from flashstream.config import JudgeSettings, load
from flashstream.errors import JudgeFailedError, JudgeRefusedError, SettingError
from flashstream.evals.published.benchmark import benchmark
from flashstream.evals.published.evaluation import PATIENCE
from flashstream.evals.published.judge import ChatJudge, Judged, retry_after_s
from flashstream.evals.published.question import Question
from flashstream.evals.published.run import run
from flashstream.evals.published.selection import Options
from flashstream.evals.published.verdict import Verdict, read_verdict

OPEN = Question("q1", "v", ("v",), "what is it", ("a dog", "a hound"))


def chat(text: Any) -> tuple[int, dict[str, str], Any]:
    return 200, {}, {"choices": [{"message": {"content": text}}]}


async def ask(judge: Any, answer: str = "a dog", **settings: Any) -> Judged:
    fields = {"base_url": judge.url, "model": "grader"} | settings
    async with ChatJudge(JudgeSettings(**fields), pause_s=0.01) as asking:
        return await asking.judge(OPEN, answer)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ('{"correct": "yes", "score": 5}', Verdict(True, 5)),
        ('```json\n{"correct": "no", "score": 2}\n```', Verdict(False, 2)),
        ("Sure! {'pred': 'yes', 'score': 4.8} Hope that helps.", Verdict(True, 4.8)),
        ('{"Correct": true, "Score": "4/5"}', Verdict(True, 4)),
        (
            'As {"correct": "yes" or "no", "score": 0}: {"correct": "no", "score": 0}',
            Verdict(False, 0),
        ),
        ('{"correct": "yes", "score": 7}', None),
        ('{"correct": "maybe", "score": 3}', None),
        ('{"correct": "yes"}', None),
        ('{"correct": "yes", "score": true}', None),
        ("yes, 5", None),
        ("I cannot help with that.", None),
        ("", None),
    ],
)
def test_verdicts_are_read_out_of_what_judges_say(said: str, verdict: Verdict | None) -> None:
    assert read_verdict(said) == verdict


async def test_what_the_judge_is_asked(judge: Any) -> None:
    judged = await ask(judge, "it is a hound", api_key="s3cret", max_tokens=99)
    assert judged.verdict == Verdict(True, 5)
    assert (judged.prompt_tokens, judged.completion_tokens) == (7, 3)
    (body,) = judge.bodies
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("grader", 0, 99)
    system, user = body["messages"]
    assert "0 (unrelated) to 5" in system["content"]
    for part in ("what is it", "a dog / or: a hound", "it is a hound"):
        assert part in user["content"]
    assert judge.headers[0]["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(judge.bodies)


async def test_a_busy_judge_is_asked_again_after_the_time_it_names(judge: Any) -> None:
    answers = [(429, {"Retry-After": "0.4"}, {}), (503, {}, b"<html>"), chat('{"x": 1}')]
    judge.respond = lambda *_: answers.pop(0)
    started = time.monotonic()
    judged = await ask(judge)
    assert time.monotonic() - started >= 0.4
    assert judge.asked["what is it"] == 3
    assert judged.verdict is None
    assert judged.said == '{"x": 1}'


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after_s("2.5") == 2.5
    assert retry_after_s("-3") == 0.0
    soon = retry_after_s(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert soon is not None
    assert 55 < soon <= 60
    assert retry_after_s("soon") is None
    assert retry_after_s(None) is None


async def test_a_judge_that_stays_away_is_given_up(judge: Any) -> None:
    judge.respond = lambda *_: (500, {}, {"error": {"message": "out of memory"}})
    with pytest.raises(JudgeFailedError, match="3 attempts: HTTP status 500: out of memory"):
        await ask(judge, attempts=3)
    assert judge.asked["what is it"] == 3


async def test_nobody_at_the_address_is_a_judge_that_stays_away() -> None:
    settings = JudgeSettings(base_url="http://127.0.0.1:9/v1", model="grader", attempts=2)
    async with ChatJudge(settings, pause_s=0.01) as asking:
        with pytest.raises(JudgeFailedError, match=r"127\.0\.0\.1:9"):
            await asking.judge(OPEN, "a dog")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, {"error": {"message": "bad key"}}, "401: bad key"),
        (404, {"error": "no such model"}, "404: no such model"),
        (400, b"what?", "400: what\\?"),
    ],
)
async def test_a_refusal_is_told_at_once(judge: Any, status: int, body: Any, says: str) -> None:
    judge.respond = lambda *_: (status, {}, body)
    with pytest.raises(JudgeRefusedError, match=says) as refusal:
        await ask(judge, api_key="s3cret")
    assert judge.asked["what is it"] == 1
    assert refusal.value.exit_code == 2
    assert "s3cret" not in refusal.value.message


async def test_an_address_that_does_not_chat_is_told(judge: Any) -> None:
    judge.respond = lambda *_: (200, {}, {"hello": "world"})
    with pytest.raises(JudgeFailedError, match="not as a chat address"):
        await ask(judge)


async def test_no_more_are_asked_at_once_than_set(judge: Any) -> None:
    def slow(*_: str) -> tuple[int, dict[str, str], Any]:
        time.sleep(0.05)
        return chat('{"correct": "yes", "score": 5}')

    judge.respond = slow
    settings = JudgeSettings(base_url=judge.url, model="grader", concurrency=3)
    async with ChatJudge(settings) as asking:
        await asyncio.gather(*(asking.judge(OPEN, "a dog") for _ in range(9)))
    assert judge.most_at_once == 3


def test_the_judge_comes_from_the_settings() -> None:
    settings = load(
        environ={
            "FLASHSTREAM_JUDGE__BASE_URL": "http://127.0.0.1:1/v1",
            "FLASHSTREAM_JUDGE__API_KEY": "s3cret",
        },
        overrides={"judge.model": "grader"},
    )
    assert settings.judge.api_key is not None
    assert settings.judge.api_key.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)
    digits = load(environ={"FLASHSTREAM_JUDGE__API_KEY": "123456"}).judge.api_key
    assert digits is not None
    assert digits.get_secret_value() == "123456"


@pytest.mark.parametrize("missing", ["base_url", "model"])
def test_open_ended_answers_need_a_judge(missing: str, tmp_path: Path, judge: Any) -> None:
    data.msrvtt(tmp_path)
    settings = judge.settings(**{missing: None})
    model = ColourModel()
    with pytest.raises(SettingError, match=f"FLASHSTREAM_JUDGE__{missing.upper()}"):
        run(
            benchmark("msrvtt-qa"),
            Options(tmp_path, tmp_path / "r", "test"),
            settings,
            quiet,
            model,
        )
    assert model.asked == []


def test_replies_that_are_no_verdicts_are_counted_and_can_be_asked_again(
    tmp_path: Path, judge: Any
) -> None:
    data.msvd(tmp_path)
    fair = judge.respond
    judge.respond = lambda question, *rest: (
        chat("Sorry, no.") if question.startswith("who") else fair(question, *rest)
    )
    found, model = benchmark("msvd-qa"), ColourModel()
    options = Options(tmp_path, tmp_path / "run", "test")
    overall = run(found, options, judge.settings(), quiet, model)["overall"]
    assert overall == {"accuracy": 1.0, "questions": 2, "marked": 1, "score": 5.0, "unjudged": 1}
    judge.respond = fair
    assert run(found, options, judge.settings(), quiet, model)["overall"] == overall
    again = Options(tmp_path, tmp_path / "run", "test", again_unjudged=True)
    overall = run(found, again, judge.settings(), quiet, model)["overall"]
    assert overall == {"accuracy": 0.5, "questions": 2, "marked": 2, "score": 3.0}
    assert len(model.asked) == 2
    assert sum(judge.asked.values()) == 3


def test_a_judge_that_never_gives_a_verdict_ends_the_run(tmp_path: Path, judge: Any) -> None:
    entries = [
        {"answer": "red", "id": n, "question": f"what is there {n}?", "video_id": 7}
        for n in range(PATIENCE + 5)
    ]
    data.write_json(tmp_path / "test_qa.json", entries)
    data.write_video(tmp_path / "video/video7.mp4", ["red"])
    judge.respond = lambda *_: chat("As a language model I would rather talk about the weather.")
    options = Options(tmp_path, tmp_path / "run", "test")
    with pytest.raises(JudgeFailedError, match=r"10 replies were no verdicts.*the weather"):
        run(benchmark("msrvtt-qa"), options, judge.settings(concurrency=1), quiet, ColourModel())
