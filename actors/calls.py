"""Calls to Ray actors and Serve replicas that come back as our own errors."""

import asyncio
from copy import copy
from typing import Any

import ray
from ray.exceptions import (
    ActorDiedError,
    GetTimeoutError,
    ObjectLostError,
    RayActorError,
    RayError,
    RayTaskError,
)

from flashstream.errors import FlashstreamError, NotReadyError


class ActorGoneError(NotReadyError):
    """The actor that was called has died."""


def unwrap(failure: BaseException) -> BaseException:
    """The `FlashstreamError` that a Ray or Serve call carried, a `NotReadyError` if the callee is
    gone or restarting, or the failure itself."""
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, RayTaskError):
            seen = seen.cause
            continue
        if isinstance(seen, FlashstreamError):
            # Raised while Ray's is handled, it leads to that. Were it what that leads to, only the
            # collector of cycles, which seldom runs in a large process, would free the two and what
            # the frames hold that it goes through: megabytes for each question that fails.
            return copy(seen)
        if isinstance(seen, ActorDiedError):
            return ActorGoneError("a part of the service has died and is started again; try again")
        if isinstance(seen, RayActorError | ObjectLostError | GetTimeoutError):
            return NotReadyError(
                f"a part of the service is restarting or busy ({type(seen).__name__}); try again"
            )
        seen = seen.__cause__
    return failure


def wait(ref: Any, timeout_s: float) -> Any:
    """`ray.get` with our errors."""
    try:
        return ray.get(ref, timeout=timeout_s)
    except (FlashstreamError, RayError) as failure:
        raise unwrap(failure) from None


async def wait_async(ref: Any, timeout_s: float) -> Any:
    """Await an object reference with our errors."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(ref.future()), timeout_s)
    except TimeoutError:
        raise NotReadyError(f"a part of the service gave no answer in {timeout_s:g} s") from None
    except (FlashstreamError, RayError) as failure:
        raise unwrap(failure) from None
