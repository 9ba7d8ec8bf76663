"""What a run would ask, without asking."""

from dataclasses import replace
from typing import Any

from flashstream.evals.published import prompts
from flashstream.evals.published.benchmark import Benchmark
from flashstream.evals.published.model import Model
from flashstream.evals.published.selection import Options, find

_CHARS_A_TOKEN = 4


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
