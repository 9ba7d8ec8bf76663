"""Every question to every memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from flashstream.errors import QuestionTooLongError
from flashstream.evals.published.asking import Reply, Respondent
from flashstream.evals.world.exam.policies import BLIND, nothing
from flashstream.evals.world.exam.sitting import Snapshots
from flashstream.evals.world.exam.worlds import Asked, Paper, label
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import ModelFamily, Progress


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one memory. question: its place in the paper."""

    question: int
    policy: str
    text: str
    snapshot: MemorySnapshot


def calls(
    paper: Paper, found: Sequence[Snapshots], policies: Sequence[str], family: ModelFamily
) -> list[Call]:
    """All calls, those about one snapshot one after another: its keys and values are reused."""
    out = []
    for number, asked in enumerate(paper.questions):
        for policy in policies:
            snapshot = (
                _unseen(paper, asked, family)
                if policy == BLIND
                else found[asked.world][asked.question.moment_s][policy]
            )
            out.append(Call(number, policy, asked.question.text, snapshot))
    out.sort(key=lambda call: (paper.questions[call.question].world, call.snapshot.uuid))
    return out


def _unseen(paper: Paper, asked: Asked, family: ModelFamily) -> MemorySnapshot:
    world = paper.worlds[asked.world]
    as_of = world.start.timestamp() + asked.question.moment_s
    return nothing(family, f"{label(world)} {BLIND}", as_of)


async def ask(
    respondent: Respondent, made: Sequence[Call], report: Progress, *, at_once: int
) -> list[Reply]:
    """The replies in the calls' order; one that does not fit into the model is an empty text.

    at_once: calls under way. Raises the first `FlashstreamError`; the others are cancelled.
    """
    step = f"asking {len(made)} questions"
    slots = asyncio.Semaphore(at_once)
    done = 0

    async def one(call: Call) -> Reply:
        nonlocal done
        async with slots:
            try:
                reply = await respondent.answer(call.text, call.snapshot)
            except QuestionTooLongError:
                reply = Reply("")
        done += 1
        report(step, done / len(made))
        return reply

    report(step, 0.0)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(call)) for call in made]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]
