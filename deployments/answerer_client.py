"""The typed client of the answerer's Serve handle."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Final

from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, RayServeException

from flashstream.actors.calls import unwrap
from flashstream.deployments.messages import AnswerDone, TextDelta
from flashstream.errors import (
    DeadlineExceededError,
    FlashstreamError,
    NotReadyError,
    OverloadedError,
)

_GRACE_S: Final = 2.0


class AnswererClient:
    """Calls the answerer; errors come back as our own."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def answer(
        self, snapshot: Any, question: str, max_tokens: int, deadline_s: float
    ) -> AsyncGenerator[TextDelta | AnswerDone]:
        """See `Answerer.answer` and `AnswerRequest`; also `OverloadedError`, `NotReadyError`.

        snapshot: a `MemorySnapshot`, or a reference to one in Ray's object store.
        The answerer keeps the deadline; while it is being replaced, or is given no core, nobody
        does but this, a little later: the call itself waits until there is one again.
        Close the iterator (`contextlib.aclosing`) when the asker leaves: the replica then stops.
        """
        events = self._handle.options(stream=True).answer.remote(
            snapshot, question, max_tokens, deadline_s
        )
        late_s = time.monotonic() + deadline_s + _GRACE_S
        ended, pieces = False, 0
        try:
            while (event := await _next(events, late_s - time.monotonic())) is not None:
                yield event
                pieces += 1
            ended = True
        except TimeoutError:
            raise DeadlineExceededError(
                f"the answerer gave no word within {deadline_s:g} s ({pieces} pieces came)",
                deadline_s=deadline_s,
                tokens=pieces,
            ) from None
        except (FlashstreamError, RayError, RayServeException) as failure:
            ended = True
            raise _own(failure) from None
        finally:
            # Cancelling whoever waits here does not reach the replica, which would go on to the
            # answer's last token; this does.
            if not ended:
                events.cancel()

    async def ping(self, timeout_s: float) -> None:
        """Return if questions can be answered; raise `NotReadyError` if not."""
        try:
            await asyncio.wait_for(self._handle.ping.remote(), timeout_s)
        except TimeoutError:
            raise NotReadyError(f"the answerer gave no sign in {timeout_s:g} s") from None
        except (FlashstreamError, RayError, RayServeException) as failure:
            raise _own(failure) from None


async def _next(events: Any, seconds: float) -> TextDelta | AnswerDone | None:
    """The next of them, or None after the last; `TimeoutError`."""
    # Around one event, never around a yield: there it would cancel the caller's own work.
    async with asyncio.timeout(seconds):
        event: TextDelta | AnswerDone | None = await anext(events, None)
    return event


def _own(failure: BaseException) -> BaseException:
    if isinstance(failure, BackPressureError):
        return OverloadedError("as many questions wait as may; try again in a second")
    if isinstance(failure, RayServeException):
        return NotReadyError(f"the answerer is restarting ({type(failure).__name__}); try again")
    return unwrap(failure)
