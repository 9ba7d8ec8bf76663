"""What a caller is told of a process that is gone."""

import contextlib
import gc
import weakref

import pytest
from ray.exceptions import ActorDiedError, GetTimeoutError, OwnerDiedError, RayError, RayTaskError

from flashstream.actors.calls import ActorGoneError, unwrap
from flashstream.errors import FlashstreamError, NotReadyError, StoreError


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (ActorDiedError(), ActorGoneError),
        (OwnerDiedError("00" * 28, None, ""), NotReadyError),  # a snapshot's stream has died
        (GetTimeoutError("late"), NotReadyError),
        (RayTaskError("f", "its trace", StoreError("away")), StoreError),
    ],
)
def test_what_went_wrong_is_told_as_our_own_error(
    failure: Exception, told: type[FlashstreamError]
) -> None:
    found = unwrap(failure)
    assert type(found) is told
    assert found.args[0]


def test_what_is_not_known_stays_as_it_is() -> None:
    failure = KeyError("x")
    assert unwrap(failure) is failure


def test_an_error_holds_nothing_once_it_is_dropped() -> None:
    """Without the collector of cycles, which seldom runs in a large process."""

    class Held: ...

    def fails(held: Held) -> None:
        try:
            raise RayTaskError("f", "its trace", StoreError("away")).as_instanceof_cause()
        except RayError as failure:
            raise unwrap(failure) from None

    held = Held()
    there = weakref.ref(held)
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(StoreError):  # `pytest.raises` would keep the error
            fails(held)
        del held
        assert there() is None
    finally:
        gc.enable()
