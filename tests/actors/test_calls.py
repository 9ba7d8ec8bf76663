"""What a caller is told of a process that is gone."""

import pytest
from ray.exceptions import ActorDiedError, GetTimeoutError, OwnerDiedError, RayTaskError

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
