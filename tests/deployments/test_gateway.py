"""HTTP manners, with a fake service behind the gateway: what is tested is the mapping."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from flashstream import errors
from flashstream.actors.spec import StreamState
from flashstream.deployments import schemas
from flashstream.deployments.gateway import create_app
from flashstream.deployments.listing import Filter
from flashstream.deployments.messages import TextDelta

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ANSWER = schemas.Answer(
    answer="A cat.",
    finish_reason="stop",
    memory=schemas.MemoryInfo(version=7, as_of=NOW, age_s=0.5),
    evidence=[schemas.Evidence(start=NOW, end=NOW, image="/v1/streams/s/evidence/a.jpg")],
    usage=schemas.Usage(prompt_tokens=9, cached_tokens=3, completion_tokens=2),
    timings=schemas.Timings(ttft_s=0.1, total_s=0.2),
)


STREAM = schemas.Stream(
    id="s",
    url="rtsp://***@h/s",
    fps=1.0,
    live=True,
    loop=False,
    speed=1.0,
    labels={"site": "x"},
    paused=False,
    generation=1,
    created=NOW,
    state=StreamState.LIVE,
    since=NOW,
    reason="frames arrive",
    frames_seen=1,
    frames_dropped=0,
    memory_version=1,
    durable_version=1,
    as_of=NOW,
    durable_as_of=NOW,
    memory_bytes=1,
    node="n",
    pid=1,
)
NODE = schemas.FleetNode(
    id="n", name="name", address="127.0.0.1", streams=1, memory_bytes=1, drained=None
)


class FakeStreams:
    """Writes down what it is asked; raises `failure`."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked: list[Any] = []

    async def list(self, wanted: Filter, limit: int, cursor: str | None) -> schemas.StreamList:
        if self.failure:
            raise self.failure
        self.asked = [wanted, limit, cursor]
        return schemas.StreamList(items=[STREAM], next_cursor="cw")

    async def add(self, new: schemas.NewStream) -> schemas.Stream:
        raise self.failure or errors.StreamExistsError("there already", stream=new.id)

    async def change(self, stream: str, change: schemas.StreamChange) -> schemas.Stream:
        self.asked = [stream, change.model_dump(exclude_unset=True)]
        return STREAM

    async def pause(self, stream: str) -> schemas.Stream:
        self.asked = ["pause", stream]
        return STREAM

    async def resume(self, stream: str) -> schemas.Stream:
        self.asked = ["resume", stream]
        return STREAM

    async def nodes(self) -> schemas.FleetNodes:
        return schemas.FleetNodes(items=[NODE])

    async def drain(self, node: str) -> schemas.FleetNode:
        self.asked = ["drain", node]
        return NODE

    async def undrain(self, node: str) -> schemas.FleetNode:
        self.asked = ["undrain", node]
        return NODE


class FakeService:
    """Answers "A cat."; raises `failure`, before or after the first piece of text."""

    def __init__(self) -> None:
        self.streams = FakeStreams()
        self.failure: Exception | None = None
        self.fail_after_first = False
        self.closed = False
        self.ready = True
        self.pause: asyncio.Event | None = None

    async def ask(self, stream: str, ask: schemas.Ask) -> AsyncIterator[TextDelta | schemas.Answer]:
        try:
            if self.failure and not self.fail_after_first:
                raise self.failure
            if self.pause:
                await self.pause.wait()
            yield TextDelta("A ")
            if self.failure:
                raise self.failure
            yield TextDelta("cat.")
            yield ANSWER
        finally:
            self.closed = True

    async def readiness(self) -> schemas.Readiness:
        return schemas.Readiness(
            ready=self.ready, not_ready={} if self.ready else {"encoder": "gone"}
        )


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def http(service: FakeService) -> httpx.AsyncClient:
    app = create_app(service, max_body_bytes=2048)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_an_answer_comes_whole(http: httpx.AsyncClient, service: FakeService) -> None:
    answer = await http.post("/v1/streams/s/ask", json={"question": "What?"})
    assert answer.status_code == 200
    assert answer.json() == json.loads(ANSWER.model_dump_json())
    assert answer.json()["memory"]["as_of"] == "2026-01-02T03:04:05Z"
    assert service.closed


async def test_an_answer_comes_word_by_word(http: httpx.AsyncClient, service: FakeService) -> None:
    body = {"question": "What?", "stream": True}
    async with aconnect_sse(http, "POST", "/v1/streams/s/ask", json=body) as events:
        got = [(event.event, json.loads(event.data)) async for event in events.aiter_sse()]
    assert got == [
        ("token", {"text": "A "}),
        ("token", {"text": "cat."}),
        ("done", json.loads(ANSWER.model_dump_json())),
    ]
    assert service.closed


async def test_a_refusal_before_the_first_word_has_a_status(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    service.failure = errors.NoMemoryYetError("nothing seen", stream="s")
    for stream in (True, False):
        answer = await http.post("/v1/streams/s/ask", json={"question": "?", "stream": stream})
        assert answer.status_code == 409
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["error"]["code"] == "no_memory_yet"


async def test_a_failure_after_the_first_word_is_an_event(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    service.failure, service.fail_after_first = errors.DeadlineExceededError("late"), True
    body = {"question": "What?", "stream": True}
    async with aconnect_sse(http, "POST", "/v1/streams/s/ask", json=body) as events:
        got = [(event.event, json.loads(event.data)) async for event in events.aiter_sse()]
    assert [kind for kind, _ in got] == ["token", "error"]
    assert got[1][1]["error"]["code"] == "deadline_exceeded"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("not json", "the body is not JSON"),
        ("{}", "'question': Field required"),
        ('{"question": 5}', "'question': Input should be a valid string"),
        ('{"question": "a", "max_tokens": 0}', "'max_tokens': Input should be greater than"),
        ('{"question": "a", "quastion": "b"}', "'quastion': is not a known field"),
    ],
)
async def test_a_malformed_question_is_refused_by_field(
    http: httpx.AsyncClient, body: str, says: str
) -> None:
    answer = await http.post(
        "/v1/streams/s/ask", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_request"
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("PUT", "/v1/streams", 405, "method_not_allowed"),
    ],
)
async def test_wrong_routes_answer_in_the_same_form(
    http: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


async def test_a_body_over_the_limit_is_413(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/streams", json={"id": "a", "url": "x" * 3000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_an_unexpected_failure_says_nothing_of_the_inside(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    service.streams.failure = RuntimeError("secret detail")
    answer = await http.get("/v1/streams")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "secret" not in answer.text


async def test_readiness_names_what_is_not_ready(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    assert (await http.get("/readyz")).status_code == 200
    service.ready = False
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "not_ready": {"encoder": "gone"}}


async def test_the_description_names_every_route_with_examples(http: httpx.AsyncClient) -> None:
    described: dict[str, Any] = (await http.get("/openapi.json")).json()
    assert set(described["paths"]) == {
        "/v1/streams",
        "/v1/streams/{id}",
        "/v1/streams/{id}/pause",
        "/v1/streams/{id}/resume",
        "/v1/fleet/nodes",
        "/v1/fleet/nodes/{node}/drain",
        "/v1/streams/{id}/ask",
        "/v1/streams/{id}/memory",
        "/v1/streams/{id}/evidence/{picture}.jpg",
        "/healthz",
        "/readyz",
    }
    for schema in ("NewStream", "StreamChange", "Ask", "Error"):
        assert described["components"]["schemas"][schema]["examples"]


async def test_when_the_client_leaves_the_question_is_given_up(service: FakeService) -> None:
    app = create_app(service, max_body_bytes=2048)  # type: ignore[arg-type]
    service.pause = asyncio.Event()
    sent: list[str] = []
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"question": "What?"}', "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(str(message.get("status", "")))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/streams/s/ask",
        "raw_path": b"",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await asyncio.wait_for(app(scope, receive, send), 5)
    assert service.closed
    assert sent[0] == "499"


async def test_a_list_is_narrowed_and_paged(http: httpx.AsyncClient, service: FakeService) -> None:
    query = "label=site=x&label=floor=0&state=live&state=failed&q=GATE&limit=7&cursor=cw"
    answer = await http.get(f"/v1/streams?{query}")
    assert answer.json()["next_cursor"] == "cw"
    assert answer.json()["items"][0]["durable_as_of"] == "2026-01-02T03:04:05Z"
    states = frozenset({StreamState.LIVE, StreamState.FAILED})
    labels = frozenset({("site", "x"), ("floor", "0")})
    assert service.streams.asked == [Filter(labels, states, "gate"), 7, "cw"]
    await http.get("/v1/streams")
    assert service.streams.asked == [Filter(), 100, None]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("label=site", "KEY=VALUE"),
        ("state=tired", "'state.0'"),
        ("limit=0", "'limit'"),
        ("limit=1001", "'limit'"),
        ("limit=many", "'limit'"),
        ("q=" + "x" * 201, "'q'"),
    ],
)
async def test_a_bad_filter_is_refused(http: httpx.AsyncClient, query: str, says: str) -> None:
    answer = await http.get(f"/v1/streams?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_request"
    assert says in answer.json()["error"]["message"]


async def test_streams_are_changed_paused_and_resumed(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    answer = await http.patch("/v1/streams/s", json={"fps": 2.0, "labels": {}})
    assert answer.status_code == 200
    assert service.streams.asked == ["s", {"fps": 2.0, "labels": {}}]
    for verb in ("pause", "resume"):
        assert (await http.post(f"/v1/streams/s/{verb}")).json()["id"] == "s"
        assert service.streams.asked == [verb, "s"]
    answer = await http.patch("/v1/streams/s", json={"id": "t"})
    assert answer.status_code == 422


async def test_nodes_are_listed_and_drained(http: httpx.AsyncClient, service: FakeService) -> None:
    assert (await http.get("/v1/fleet/nodes")).json()["items"][0]["id"] == "n"
    assert (await http.post("/v1/fleet/nodes/n%20a/drain")).json()["streams"] == 1
    assert service.streams.asked == ["drain", "n a"]
    await http.delete("/v1/fleet/nodes/n/drain")
    assert service.streams.asked == ["undrain", "n"]


async def test_a_stream_for_which_there_is_no_room_is_429_with_retry_after(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    service.streams.failure = errors.OverloadedError("full", setting="streams.memory_limit_mb")
    answer = await http.post("/v1/streams", json={"id": "a", "url": "rtsp://h/a"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.json()["error"]["details"]["setting"] == "streams.memory_limit_mb"
