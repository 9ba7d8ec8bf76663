"""Scores of a run, as the benchmarks' papers compute them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from flashstream.evals.published.ledger import Answered, VerdictLine
from flashstream.evals.published.letters import letter_of
from flashstream.evals.published.question import LETTERS, Question


@dataclass(frozen=True, slots=True)
class Mark:
    """What one question earned.

    correct: None if nobody can say: the answer is not published, or the judge gave no verdict.
    score: the judge's 0 to 5; None for multiple choice.
    unreadable: a multiple-choice answer that names no option, counted as wrong.
    refused: the model could not take the question (too long), counted as wrong.
    """

    question: Question
    correct: bool | None
    score: float | None = None
    unreadable: bool = False
    refused: bool = False


def mark(question: Question, answer: Answered, verdict: VerdictLine | None) -> Mark:
    """Mark one answered question."""
    if not question.answers:
        return Mark(question, None, refused=answer.refused is not None)
    if answer.refused is not None:
        return Mark(question, False, None if question.options else 0.0, refused=True)
    if question.options:
        letter = letter_of(answer.text, question.options)
        return Mark(question, letter in question.answers, unreadable=letter is None)
    if verdict is None or verdict.correct is None:
        return Mark(question, None)
    return Mark(question, verdict.correct, verdict.score)


def summary(marks: Sequence[Mark], average: str | None) -> dict[str, Any]:
    """{"overall", "by": {group: {value: …}}}, each {"accuracy", "score", "questions", …}.

    accuracy: the share of right answers among those that can be marked; score: the judge's mean.
    average: the name under which `overall` also has the mean of the kinds' accuracies.
    """
    groups: dict[str, dict[str, list[Mark]]] = defaultdict(lambda: defaultdict(list))
    for each in marks:
        for group, value in each.question.groups:
            groups[group][value].append(each)
    by = {
        group: {value: _totals(found) for value, found in sorted(values.items())}
        for group, values in groups.items()
    }
    overall = _totals(marks)
    if average is not None:
        kinds = [kind["accuracy"] for kind in by.get("kind", {}).values()]
        known = [accuracy for accuracy in kinds if accuracy is not None]
        overall[average] = fmean(known) if known else None
    return {"overall": overall, "by": by}


def submission(questions: Iterable[Question], answers: Mapping[str, Answered]) -> dict[str, int]:
    """{id: number of the chosen option}, as EgoSchema's server takes it; unreadable ones are 0."""
    chosen = {}
    for question in questions:
        letter = letter_of(answers[question.id].text, question.options)
        chosen[question.id] = 0 if letter is None else LETTERS.index(letter)
    return chosen


def _totals(marks: Sequence[Mark]) -> dict[str, Any]:
    known = [each.correct for each in marks if each.correct is not None]
    scores = [each.score for each in marks if each.score is not None]
    totals: dict[str, Any] = {
        "accuracy": fmean(known) if known else None,
        "questions": len(marks),
        "marked": len(known),
    }
    if scores:
        totals["score"] = fmean(scores)
    for name in ("unreadable", "refused"):
        count = sum(getattr(each, name) for each in marks)
        if count:
            totals[name] = count
    unjudged = sum(each.correct is None and each.question.judged for each in marks)
    if unjudged:
        totals["unjudged"] = unjudged
    return totals
