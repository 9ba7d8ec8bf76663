"""One run of one part of a benchmark: from its files to a score."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flashstream.config import Settings
from flashstream.errors import BenchmarkDataError
from flashstream.evals.published import prompts
from flashstream.evals.published.benchmark import Benchmark
from flashstream.evals.published.evaluation import Evaluation, Job
from flashstream.evals.published.judge import ChatJudge, check
from flashstream.evals.published.ledger import Ledger
from flashstream.evals.published.media import Medium, locate, looked_for
from flashstream.evals.published.model import ConfiguredModel, MakeModel, Model
from flashstream.evals.published.question import Annotations, Question
from flashstream.evals.published.scores import mark, submission, summary
from flashstream.evals.published.watching import Watcher
from flashstream.models.family import Progress

SCORES, SUBMISSION = "scores.json", "submission.json"
_CHARS_A_TOKEN = 4
_TOLD = 5


@dataclass(frozen=True, slots=True)
class Options:
    """How a benchmark is run.

    data: the folder of its annotations; out: the run's folder; videos: a folder of videos in
    place of the benchmark's own; fps: frames a second shown; folder_fps: pictures a second in
    folders of pictures; limit: so many questions, spread evenly over all; max_tokens: an answer's
    longest length; skip_missing: leave out questions whose video is missing; again_unjudged: put
    answers to the judge again whose verdicts could not be read.
    """

    data: Path
    out: Path
    part: str
    videos: Path | None = None
    fps: float = 1.0
    folder_fps: float = 1.0
    limit: int | None = None
    max_tokens: int = 64
    skip_missing: bool = False
    again_unjudged: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The questions to ask with what there is of their videos, and those whose video is missing."""

    annotations: Annotations
    jobs: tuple[Job, ...]
    missing: tuple[Question, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(question for job in self.jobs for question in job.questions)


def run(
    benchmark: Benchmark,
    options: Options,
    settings: Settings,
    report: Progress,
    make_model: MakeModel = ConfiguredModel,
) -> dict[str, Any]:
    """Ask, judge and score; goes on where a run in `options.out` was interrupted.

    Returns {"benchmark", "part", "model", "overall", "by", "calls", …}, see `scores.summary`;
    also written to scores.json in the run's folder. Raises before any work is done
    `BenchmarkDataError`, `SettingError`, `RunFolderError`, `MissingPackageError`; during it
    `JudgeRefusedError`, `JudgeFailedError`, `EngineError`.
    """
    found = find(benchmark, options)
    judged = any(question.judged for question in found.questions)
    if judged:
        check(settings.judge)
    model = make_model(settings, report)
    model.check()
    config = configuration(benchmark, options, settings, model, found, judged)
    with Ledger(options.out, config) as ledger:
        if options.again_unjudged:
            for name in [n for n, v in ledger.verdicts.items() if v.correct is None]:
                del ledger.verdicts[name]
        asyncio.run(_settle(benchmark, options, settings, model, found, ledger, judged, report))
        result = _result(benchmark, options, model, found, ledger)
        _write(options.out / SCORES, result)
        if benchmark.name == "egoschema":
            _write(options.out / SUBMISSION, submission(found.questions, ledger.answers))
    return result


def plan(benchmark: Benchmark, options: Options, model: Model) -> dict[str, Any]:
    """What a run would ask, without asking: questions, videos and calls.

    Tokens are estimates: four characters each, answers as long as they may be, the memory full.
    """
    found = find(benchmark, replace(options, skip_missing=True))
    questions = found.questions
    judged = [question for question in questions if question.judged]
    asked = sum(len(prompts.question_text(question)) for question in questions)
    graded = sum(
        len(message["content"])
        for question in judged
        for message in prompts.judge_messages(question, "")
    )
    return {
        "benchmark": benchmark.name,
        "part": options.part,
        "questions": len(questions),
        "videos": len({job.medium for job in found.jobs}),
        "missing_videos": sorted({question.video for question in found.missing}),
        "model_calls": len(questions),
        "model_prompt_tokens": len(questions) * model.memory_tokens() + asked // _CHARS_A_TOKEN,
        "model_completion_tokens_at_most": len(questions) * options.max_tokens,
        "judge_calls": len(judged),
        "judge_prompt_tokens": graded // _CHARS_A_TOKEN + len(judged) * options.max_tokens,
    }


def find(benchmark: Benchmark, options: Options) -> Found:
    """The questions and their videos; raises `BenchmarkDataError` naming what is missing."""
    annotations = benchmark.annotations(options.data, options.part)
    places = (
        benchmark.places(options.data, options.part)
        if options.videos is None
        else (options.videos,)
    )
    if options.videos is not None and not options.videos.is_dir():
        raise BenchmarkDataError(f"there is no folder {options.videos} with videos")
    jobs: dict[tuple[Medium, float], list[Question]] = {}
    media: dict[tuple[str, ...], Medium | None] = {}
    missing = []
    for question in _spread(annotations.questions, options.limit):
        if question.media not in media:
            media[question.media] = locate(question, places)
        medium = media[question.media]
        if medium is None:
            missing.append(question)
        else:
            jobs.setdefault((medium, question.begin_s), []).append(question)
    if missing and (not options.skip_missing or not jobs):
        videos = {question.video: question for question in missing}
        told = "; ".join(looked_for(q, places) for q in list(videos.values())[:_TOLD])
        raise BenchmarkDataError(
            f"{len(videos)} of {benchmark.name}'s videos are missing; looked for {told}"
            + (" …" if len(videos) > _TOLD else "")
            + "; --skip-missing leaves their questions out",
            missing=sorted(videos)[:100],
        )
    return Found(
        annotations,
        tuple(Job(medium, tuple(asked)) for (medium, _), asked in jobs.items()),
        tuple(missing),
    )


def configuration(
    benchmark: Benchmark,
    options: Options,
    settings: Settings,
    model: Model,
    found: Found,
    judged: bool,
) -> dict[str, Any]:
    """All that answers and scores depend on; runs that differ in it are not mixed.

    How many questions are asked, and where files lie, is not part of it.
    """
    return {
        "benchmark": benchmark.name,
        "part": options.part,
        "annotations": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            for path in found.annotations.files
        },
        "model": model.name,
        "encoder": model.family.fingerprint(),
        "language_model": model.language_model(),
        "memory": model.memory_config.model_dump(mode="json"),
        "engine": {
            "dtype": settings.engine.dtype,
            "max_model_len": settings.engine.max_model_len,
        },
        "fps": options.fps,
        "folder_fps": options.folder_fps,
        "max_tokens": options.max_tokens,
        "prompts": prompts.digest(),
        "judge": settings.judge.model if judged else None,
    }


async def _settle(
    benchmark: Benchmark,
    options: Options,
    settings: Settings,
    model: Model,
    found: Found,
    ledger: Ledger,
    judged: bool,
    report: Progress,
) -> None:
    watcher = Watcher(
        model.family,
        model.encoder,
        model.memory,
        fps=options.fps,
        folder_fps=options.folder_fps,
    )
    title = f"{benchmark.name} {options.part}"
    ahead = settings.engine.max_num_seqs + (settings.judge.concurrency if judged else 0)
    async with AsyncExitStack() as open_ones:
        # What is left may be verdicts alone, or nothing: no language model is started for that.
        respondent = judge = None
        if any(question.id not in ledger.answers for question in found.questions):
            respondent = await open_ones.enter_async_context(model.respondent(options.max_tokens))
        if judged:
            judge = await open_ones.enter_async_context(ChatJudge(settings.judge))
        work = Evaluation(watcher, respondent, judge, ledger, report, ahead=ahead, title=title)
        await work.run(found.jobs)


def _result(
    benchmark: Benchmark, options: Options, model: Model, found: Found, ledger: Ledger
) -> dict[str, Any]:
    marks = [
        mark(question, ledger.answers[question.id], ledger.verdicts.get(question.id))
        for question in found.questions
    ]
    answers, verdicts = ledger.answers.values(), ledger.verdicts.values()
    return {
        "benchmark": benchmark.name,
        "part": options.part,
        "model": model.name,
        **summary(marks, benchmark.average),
        "missing_videos": len({question.video for question in found.missing}),
        "not_covered": benchmark.not_covered,
        "calls": {
            "model": len(answers),
            "model_prompt_tokens": sum(answer.prompt_tokens for answer in answers),
            "model_completion_tokens": sum(answer.completion_tokens for answer in answers),
            "judge": len(verdicts),
            "judge_prompt_tokens": sum(verdict.prompt_tokens for verdict in verdicts),
            "judge_completion_tokens": sum(verdict.completion_tokens for verdict in verdicts),
        },
        "run": {"folder": str(options.out), "fingerprint": ledger.fingerprint},
    }


def _spread(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    """`limit` questions at even distances, so that no kind is left out for being last."""
    if limit is None or limit >= len(questions):
        return questions
    return [questions[number * len(questions) // limit] for number in range(limit)]


def _write(path: Path, content: Any) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)
