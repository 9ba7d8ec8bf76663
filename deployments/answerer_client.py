"""The typed client of the answerer's Serve handle."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, RayServeException

from flashstream.actors.calls import unwrap
from flashstream.deployments.messages import AnswerDone, TextDelta
from flashstream.errors import FlashstreamError, NotReadyError, OverloadedError


class AnswererClient:
    """Calls the answerer; errors come back as our own."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def answer(
        self, snapshot: Any, question: str, max_tokens: int, deadline_s: float
    ) -> AsyncGenerator[TextDelta | AnswerDone]:
        """See `Answerer.answer` and `AnswerRequest`; also `OverloadedError`, `NotReadyError`.

        snapshot: a `MemorySnapshot`, or a reference to one in Ray's object store.
        Close the iterator (`contextlib.aclosing`) when the asker leaves: the replica then stops.
        """
        events = self._handle.options(stream=True).answer.remote(
            snapshot, question, max_tokens, deadline_s
        )
        ended = False
        try:
            async for event in events:
                yield event
            ended = True
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


def _own(failure: BaseException) -> BaseException:
    if isinstance(failure, BackPressureError):
        return OverloadedError("as many questions wait as may; try again in a second")
    if isinstance(failure, RayServeException):
        return NotReadyError(f"the answerer is restarting ({type(failure).__name__}); try again")
    return unwrap(failure)
