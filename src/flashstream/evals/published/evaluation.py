"""Questions through watching, answering and judging, each step kept before the next is paid for."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flashstream.errors import EngineError, JudgeFailedError, QuestionTooLongError
from flashstream.evals.published.asking import Respondent
from flashstream.evals.published.judge import Judge
from flashstream.evals.published.ledger import Answered, Ledger, VerdictLine
from flashstream.evals.published.media import Medium
from flashstream.evals.published.prompts import question_text
from flashstream.evals.published.question import Question
from flashstream.evals.published.watching import Asked
from flashstream.models.family import Progress

PATIENCE = 10
"""Replies of a judge in a row that are no verdict, after which it is not asked further."""

_GRACE_S = 30.0
_KEPT_CHARS = 2000


class Watching(Protocol):
    """What shows a video to a memory; see `Watcher`."""

    def watch(self, medium: Medium, questions: Sequence[Question]) -> Iterator[Asked]: ...


@dataclass(frozen=True, slots=True)
class Job:
    """A video and the questions about it that share a beginning."""

    medium: Medium
    questions: tuple[Question, ...]


class Evaluation:
    """Settles the questions that a ledger has not settled yet.

    respondent, judge: None where no answer, or no verdict, is left to ask for.
    ahead: questions between watching and their verdict at most; watching waits for them.
    """

    def __init__(
        self,
        watcher: Watching,
        respondent: Respondent | None,
        judge: Judge | None,
        ledger: Ledger,
        report: Progress,
        *,
        ahead: int = 16,
        title: str = "asking",
    ) -> None:
        self._watcher = watcher
        self._respondent = respondent
        self._judge = judge
        self._ledger = ledger
        self._report = report
        self._title = title
        self._slots = asyncio.Semaphore(ahead)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._unread = 0
        self._total = self._settled = 0

    async def run(self, jobs: Sequence[Job]) -> None:
        """Settle all questions; raises the first failure, after what was under way has ended."""
        self._total = sum(len(job.questions) for job in jobs)
        self._settled = sum(self._is_settled(q) for job in jobs for q in job.questions)
        self._report(self._title, self._settled / max(1, self._total))
        try:
            for job in jobs:
                await self._start(job)
            await self._drain(None)
        except BaseException:
            # What was asked has been paid for: wait for it, as long as that is reasonable.
            await self._drain(_GRACE_S)
            raise
        if self._failure is not None:
            raise self._failure

    async def _start(self, job: Job) -> None:
        kept = self._ledger.answers
        for question in job.questions:
            if question.id in kept and not self._is_settled(question):
                await self._spawn(self._verdict(question, kept[question.id]))
        unanswered = [question for question in job.questions if question.id not in kept]
        if not unanswered:
            return
        sights = self._watcher.watch(job.medium, unanswered)
        while self._failure is None:
            # Watching is heavy work without awaits: it has a thread, the answers go on meanwhile.
            asked = await asyncio.to_thread(next, sights, None)
            if asked is None:
                return
            await self._spawn(self._answer(asked))

    async def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        await self._slots.acquire()
        if self._failure is not None:
            self._slots.release()
            work.close()
            raise self._failure
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as failure:
            self._failure = self._failure or failure
        finally:
            self._slots.release()

    async def _drain(self, timeout_s: float | None) -> None:
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _answer(self, asked: Asked) -> None:
        question = asked.question
        if self._respondent is None:
            raise EngineError("there is no language model to ask")
        try:
            reply = await self._respondent.answer(question_text(question), asked.snapshot)
            answer = Answered(reply.text, reply.prompt_tokens, reply.completion_tokens)
        except QuestionTooLongError as failure:
            answer = Answered("", refused=failure.code)
        self._ledger.answer(question.id, answer)
        if self._is_settled(question):
            self._count()
        else:
            await self._verdict(question, answer)

    async def _verdict(self, question: Question, answer: Answered) -> None:
        if self._judge is None:
            raise JudgeFailedError("there is no judge for an open-ended answer")
        judged = await self._judge.judge(question, answer.text)
        found = judged.verdict
        self._ledger.verdict(
            question.id,
            VerdictLine(
                None if found is None else found.correct,
                None if found is None else found.score,
                judged.said[:_KEPT_CHARS],
                judged.prompt_tokens,
                judged.completion_tokens,
            ),
        )
        self._count()
        self._unread = self._unread + 1 if found is None else 0
        if self._unread >= PATIENCE:
            raise JudgeFailedError(
                f"the judge's last {self._unread} replies were no verdicts; of question "
                f"{question.id!r} it said: {judged.said[:300]!r}",
                question=question.id,
            )

    def _count(self) -> None:
        self._settled += 1
        self._report(self._title, self._settled / self._total)

    def _is_settled(self, question: Question) -> bool:
        answer = self._ledger.answers.get(question.id)
        if answer is None:
            return False
        return (
            not question.judged
            or answer.refused is not None
            or question.id in self._ledger.verdicts
        )
