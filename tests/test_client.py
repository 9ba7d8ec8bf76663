"""The HTTP client, where it does more than send what it is given."""

from collections.abc import Callable

import httpx
import pytest

from flashstream.client import Client, RemoteError


def serve(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]
) -> None:
    real = httpx.Client

    def served(**options: object) -> httpx.Client:
        return real(base_url="http://test", transport=httpx.MockTransport(answer))

    monkeypatch.setattr(httpx, "Client", served)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[httpx.QueryParams]:
    """A service of three pages; what it was asked."""
    asked: list[httpx.QueryParams] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        number = int(request.url.params.get("cursor", 0))
        following = str(number + 1) if number < 2 else None
        return httpx.Response(200, json={"items": [{"id": number}], "next_cursor": following})

    serve(monkeypatch, answer)
    return asked


def test_streams_come_page_by_page(pages: list[httpx.QueryParams]) -> None:
    with Client() as client:
        found = client.streams(labels=["site=a&b", "floor=0"], states=["live"], part="gate 3")
    assert [stream["id"] for stream in found] == [0, 1, 2]
    assert pages[0].multi_items() == [
        ("label", "site=a&b"),
        ("label", "floor=0"),
        ("state", "live"),
        ("q", "gate 3"),
    ]
    assert [asked.get("cursor") for asked in pages] == [None, "1", "2"]


def test_no_more_pages_are_asked_for_than_are_read(pages: list[httpx.QueryParams]) -> None:
    with Client() as client:
        assert next(client.each_stream())["id"] == 0
    assert len(pages) == 1


def test_a_request_whose_gateway_died_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray Serve's proxy then answers, in plain text."""
    serve(monkeypatch, lambda _: httpx.Response(500, text="Internal Server Error"))
    with Client() as client, pytest.raises(RemoteError, match="500: what had this request") as seen:
        client.ask("gate", "What is there?")
    assert (seen.value.code, seen.value.status) == ("http_error", 500)


def test_of_another_failure_without_a_body_no_more_is_said_than_its_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(monkeypatch, lambda _: httpx.Response(503, text="Service Unavailable"))
    with Client() as client, pytest.raises(RemoteError, match=r"HTTP status 503$"):
        client.ask("gate", "What is there?")
