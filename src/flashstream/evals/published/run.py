"""One run of one part of a benchmark: from its files to a score."""

import asyncio
import hashlib
from contextlib import AsyncExitStack
from typing import Any

from flashstream.config import Settings
from flashstream.deployments.engine.loading import dtype_of
from flashstream.evals.published import prompts
from flashstream.evals.published.benchmark import Benchmark
from flashstream.evals.published.evaluation import Evaluation
from flashstream.evals.published.judge import ChatJudge, check
from flashstream.evals.published.ledger import Ledger
from flashstream.evals.published.model import ConfiguredModel, MakeModel, Model
from flashstream.evals.published.scores import mark, submission, summary
from flashstream.evals.published.selection import Found, Options, find
from flashstream.evals.published.watching import Watcher
from flashstream.json_file import write_json
from flashstream.models.family import Progress

SCORES, SUBMISSION = "scores.json", "submission.json"


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
        write_json(options.out / SCORES, result)
        if benchmark.name == "egoschema":
            write_json(options.out / SUBMISSION, submission(found.questions, ledger.answers))
    return result


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
            "dtype": dtype_of(settings.engine),
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
