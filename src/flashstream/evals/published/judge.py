"""A judge of open-ended answers behind an OpenAI-compatible chat address."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Protocol, Self

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from flashstream.config import JudgeSettings
from flashstream.errors import JudgeFailedError, JudgeRefusedError, SettingError
from flashstream.evals.published.prompts import judge_messages
from flashstream.evals.published.question import Question
from flashstream.evals.published.verdict import Verdict, read_verdict

_BUSY = {408, 409, 425, 429}
_LONGEST_WAIT_S = 600.0
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge said of one answer; verdict is None where that cannot be read as one."""

    verdict: Verdict | None
    said: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Judge(Protocol):
    """Whoever judges."""

    async def judge(self, question: Question, answer: str) -> Judged:
        """Raises `JudgeRefusedError` or `JudgeFailedError`."""
        ...


class _BusyError(Exception):
    """The judge may answer if asked again, after `wait_s` if it said so."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class ChatJudge:
    """Asks for verdicts, at most `concurrency` at once.

    A busy or failing address is asked again, after what its Retry-After header says or after
    exponentially growing random pauses; one that refuses (key, model, path) is not. An answer is
    put to the judge once: a reply that is no verdict counts as one that cannot be read.

    pause_s: the first of those pauses is at most this long.
    Raises `SettingError` if address or model are not set.
    """

    def __init__(self, settings: JudgeSettings, *, pause_s: float = 1.0) -> None:
        check(settings)
        self._model = settings.model
        self._url = f"{str(settings.base_url).rstrip('/')}/chat/completions"
        self._max_tokens = settings.max_tokens
        self._slots = asyncio.Semaphore(settings.concurrency)
        headers = {}
        if settings.api_key is not None:
            headers["Authorization"] = f"Bearer {settings.api_key.get_secret_value()}"
        self._http = httpx.AsyncClient(timeout=settings.timeout_s, headers=headers)
        self._attempts = settings.attempts
        self._pause = wait_random_exponential(multiplier=pause_s, max=60.0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def judge(self, question: Question, answer: str) -> Judged:
        """See `Judge`."""
        body = {
            "model": self._model,
            "messages": judge_messages(question, answer),
            "temperature": 0,
            "max_tokens": self._max_tokens,
        }
        tries = AsyncRetrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            retry=retry_if_exception_type(_BusyError),
            reraise=True,
        )
        try:
            async with self._slots:
                content: Any = await tries(self._ask, body)
        except _BusyError as failure:
            raise JudgeFailedError(
                f"the judge at {self._url} did not answer in {self._attempts} attempts: {failure}",
                question=question.id,
            ) from None
        return self._read(content)

    def _wait(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.wait_s if isinstance(failure, _BusyError) else None
        return float(self._pause(state)) if asked is None else min(asked, _LONGEST_WAIT_S)

    async def _ask(self, body: dict[str, Any]) -> Any:
        try:
            answer = await self._http.post(self._url, json=body)
        except httpx.TransportError as failure:
            raise _BusyError(f"{type(failure).__name__}: {failure}") from None
        if answer.status_code in _BUSY or answer.status_code >= 500:
            raise _BusyError(
                f"HTTP status {answer.status_code}: {_told(answer)}",
                retry_after_s(answer.headers.get("Retry-After")),
            )
        if answer.status_code >= 300:
            raise JudgeRefusedError(
                f"the judge at {self._url} refused model {self._model!r} with HTTP status "
                f"{answer.status_code}: {_told(answer)} (see judge.base_url, judge.model, "
                "judge.api_key)",
                status=answer.status_code,
            )
        try:
            return answer.json()
        except ValueError:
            raise _BusyError(f"no JSON, but {_told(answer)}") from None

    def _read(self, content: Any) -> Judged:
        try:
            message = content["choices"][0]["message"]
            said = message.get("content") or message.get("refusal") or ""
            usage = content.get("usage") or {}
            asked = int(usage.get("prompt_tokens") or 0)
            made = int(usage.get("completion_tokens") or 0)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise JudgeFailedError(
                f"{self._url} answers, but not as a chat address does: "
                f"{json.dumps(content)[:_SHOWN]}"
            ) from None
        return Judged(read_verdict(str(said)), str(said), asked, made)


def check(settings: JudgeSettings) -> None:
    """Raise `SettingError` if a judge is needed and who it is has not been said."""
    for name in ("base_url", "model"):
        if getattr(settings, name) is None:
            raise SettingError(
                f"open-ended answers need a judge, and judge.{name} is not set; give --set "
                f"judge.{name}=… or FLASHSTREAM_JUDGE__{name.upper()}",
                key=f"judge.{name}",
            )


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks to wait: a number or an HTTP date; None if neither."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _told(answer: httpx.Response) -> str:
    """What an error's body says, shortened."""
    try:
        error = answer.json()["error"]
        text = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        text = answer.text
    return " ".join(str(text).split())[:_SHOWN] or "(empty)"
