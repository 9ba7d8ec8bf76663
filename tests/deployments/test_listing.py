"""Filters and pages of the streams' list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fleets import spec

from flashstream.actors.spec import StreamState, StreamStatus
from flashstream.deployments.listing import Filter, page
from flashstream.errors import InvalidRequestError


def status(stream: str, state: StreamState = StreamState.LIVE, **labels: str) -> StreamStatus:
    return StreamStatus(spec(stream, labels=labels), state, 0.0, "")


STREAMS = [
    status("Gate-1", site="harbour", floor="0"),
    status("gate-2", StreamState.FAILED, site="harbour"),
    status("yard", StreamState.PAUSED, site="depot"),
]


@pytest.mark.parametrize(
    ("labels", "states", "part", "found"),
    [
        ([], [], "", ["Gate-1", "gate-2", "yard"]),
        (["site=harbour"], [], "", ["Gate-1", "gate-2"]),
        (["site=harbour", "floor=0"], [], "", ["Gate-1"]),
        (["site="], [], "", []),
        ([], [StreamState.FAILED, StreamState.PAUSED], "", ["gate-2", "yard"]),
        ([], [], "GATE", ["Gate-1", "gate-2"]),
        ([], [], "127.0.0.1/y", ["yard"]),
        ([], [], "secret", []),  # of the address, what is shown is searched
        (["site=harbour"], [StreamState.LIVE], "gate", ["Gate-1"]),
    ],
)
def test_a_filter_takes_what_it_says(
    labels: list[str], states: list[StreamState], part: str, found: list[str]
) -> None:
    shown, following = page(STREAMS, Filter.of(labels, states, part), limit=10, cursor=None)
    assert [one.spec.id for one in shown] == found
    assert following is None


@given(st.sets(st.from_regex(r"[a-zA-Z0-9]{1,3}", fullmatch=True)), st.integers(1, 7))
def test_pages_hold_every_stream_once_in_order(ids: set[str], limit: int) -> None:
    streams = [status(stream) for stream in ids]
    found: list[str] = []
    cursor: str | None = None
    while True:
        shown, cursor = page(streams, Filter(), limit=limit, cursor=cursor)
        assert len(shown) <= limit
        found += [one.spec.id for one in shown]
        if cursor is None:
            break
    assert found == sorted(ids)


def test_a_stream_that_goes_between_two_pages_hides_no_other() -> None:
    streams = [status(stream) for stream in "abcd"]
    _, cursor = page(streams, Filter(), limit=2, cursor=None)
    shown, _ = page([streams[0], *streams[2:]], Filter(), limit=2, cursor=cursor)
    assert [one.spec.id for one in shown] == ["c", "d"]


@pytest.mark.parametrize("cursor", ["", "!", "fg", "a" * 300, "ä"])
def test_a_cursor_of_nobody_s_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequestError, match="'cursor'"):
        page(STREAMS, Filter(), limit=2, cursor=cursor)


@pytest.mark.parametrize("label", ["site", "=x", ""])
def test_a_label_without_key_and_value_is_refused(label: str) -> None:
    with pytest.raises(InvalidRequestError, match="KEY=VALUE"):
        Filter.of([label], [], "")
