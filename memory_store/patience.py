"""Trying again while a server fails over, for a bounded time."""

import ssl
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    ReadOnlyError,
    RedisClusterException,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_before_delay
from tenacity.wait import wait_random_exponential

T = TypeVar("T")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 0.5


def passing(error: BaseException) -> bool:
    """Whether the error may be over in a moment: the connection was refused or broken, the server
    is loading, is no longer the master (READONLY), gave the key away (MOVED, ASK, TRYAGAIN), or
    its cluster has no master for it just now.

    A wrong password or certificate stays wrong. A server that did not answer in time has cost the
    caller that time already.
    """
    if isinstance(error, AuthenticationError | AuthorizationError):
        return False
    if isinstance(error, RedisConnectionError):
        return not isinstance(error.__cause__ or error.__context__, ssl.SSLError)
    return isinstance(
        error, ReadOnlyError | AskError | TryAgainError | ClusterDownError | RedisClusterException
    )


class Patience:
    """Repeats what failed for a passing reason, after random pauses that grow, for `longest_s`
    seconds: an attempt may begin until then. What is given to it may be done twice."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s

    def __call__(self, do: Callable[[], T], doubt: Callable[[], None]) -> T:
        """Do it; doubt: called after each failure that tells of a server gone."""

        def heed(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome is not None else None
            if error is not None and (passing(error) or isinstance(error, RedisTimeoutError)):
                doubt()

        trying = Retrying(
            retry=retry_if_exception(passing),
            stop=stop_before_delay(self._longest_s),
            wait=wait_random_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S),
            after=heed,
            reraise=True,
        )
        return trying(do)
