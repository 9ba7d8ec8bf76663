"""Whether another process still takes messages."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any


class Pulse:
    """Has one call out at a time, and looks how long it has been out.

    A process that is slow answers between two of its steps; one that hangs never does. Nobody waits
    for the call: `stalled` is to be asked again and again, on one event loop.
    """

    def __init__(
        self,
        call: Callable[[], Awaitable[Any]],
        limit_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call = call
        self._limit_s = limit_s
        self._clock = clock
        self._out: asyncio.Future[Any] | None = None
        self._since_s = 0.0

    def stalled(self) -> bool:
        """Whether the call that is out has had no answer for `limit_s`; begins one if none is.

        An error is an answer, too: what is wrong then is not for this class to say.
        """
        if self._out is None or self._out.done():
            if self._out is not None and not self._out.cancelled():
                self._out.exception()  # taken, or asyncio would report it as lost
            self._out = asyncio.ensure_future(self._call())
            self._since_s = self._clock()
        return self._clock() - self._since_s > self._limit_s
