"""The HTTP interface (FastAPI). Everything it can do is in `Service` and `Streams`."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.exceptions import HTTPException

from flashstream import __version__
from flashstream.actors.spec import StreamState
from flashstream.deployments.body_limit import BodyLimit
from flashstream.deployments.listing import DEFAULT_LIMIT, MAX_LIMIT, Filter
from flashstream.deployments.messages import TextDelta
from flashstream.deployments.schemas import (
    Answer,
    Ask,
    Error,
    FleetNode,
    FleetNodes,
    Memory,
    NewStream,
    Readiness,
    Stream,
    StreamChange,
    StreamList,
)
from flashstream.deployments.service import Service
from flashstream.deployments.streams import Streams
from flashstream.errors import FlashstreamError, InvalidRequestError

CLIENT_LEFT = 499  # as nginx names it; nobody is there to read it, but logs and metrics are
_RETRY_AFTER = {"no_memory_yet": "1", "overloaded": "1", "not_ready": "2", "store_unavailable": "2"}

StreamId = Annotated[str, Path(alias="id", description="the stream's id", examples=["gate-3"])]
NodeName = Annotated[str, Path(description="id of the node, or a name or address only it has")]


def create_app(service: Service, *, max_body_bytes: int) -> FastAPI:
    """The application, with its error answers and its OpenAPI description."""
    app = FastAPI(
        title="flashstream",
        version=__version__,
        summary="Ask questions, in words, of live cameras, about now and any moment before.",
        responses={"4XX": {"model": Error}, "5XX": {"model": Error}},
    )
    app.add_middleware(BodyLimit, limit=max_body_bytes)
    _add_streams(app, service.streams)
    _add_fleet(app, service.streams)
    _add_questions(app, service)
    _add_health(app, service)
    _add_errors(app)
    return app


def _add_streams(app: FastAPI, streams: Streams) -> None:
    @app.post("/v1/streams", status_code=201, tags=["streams"])
    async def add_stream(new: NewStream) -> Stream:
        """Start watching a camera."""
        return await streams.add(new)

    @app.get("/v1/streams", tags=["streams"])
    async def list_streams(
        label: Annotated[
            list[str], Query(description="KEY=VALUE; repeated: streams that have all of them")
        ] = [],  # noqa: B006
        state: Annotated[
            list[StreamState], Query(description="repeated: streams in any of them")
        ] = [],  # noqa: B006
        q: Annotated[
            str, Query(max_length=200, description="part of the id or of the shown address")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        cursor: Annotated[
            str | None, Query(description="a list's `next_cursor`, to go on after it")
        ] = None,
    ) -> StreamList:
        """Streams by id, as they were found a second or two ago."""
        return await streams.list(Filter.of(label, state, q), limit, cursor)

    @app.get("/v1/streams/{id}", tags=["streams"])
    async def get_stream(stream: StreamId) -> Stream:
        """One stream, as it is now."""
        return await streams.one(stream)

    @app.patch("/v1/streams/{id}", tags=["streams"])
    async def change_stream(stream: StreamId, change: StreamChange) -> Stream:
        """Change a stream's address, frames a second or labels; its memory stays."""
        return await streams.change(stream, change)

    @app.post("/v1/streams/{id}/pause", tags=["streams"])
    async def pause_stream(stream: StreamId) -> Stream:
        """Close the camera; questions are answered from the memory as before."""
        return await streams.pause(stream)

    @app.post("/v1/streams/{id}/resume", tags=["streams"])
    async def resume_stream(stream: StreamId) -> Stream:
        """Open the camera of a paused stream again."""
        return await streams.resume(stream)

    @app.delete("/v1/streams/{id}", status_code=204, tags=["streams"])
    async def remove_stream(stream: StreamId) -> None:
        """Stop watching and delete the stream's memory and pictures."""
        await streams.remove(stream)


def _add_fleet(app: FastAPI, streams: Streams) -> None:
    @app.get("/v1/fleet/nodes", tags=["fleet"])
    async def list_nodes() -> FleetNodes:
        """The cluster's nodes, and what is watched on each."""
        return await streams.nodes()

    @app.post("/v1/fleet/nodes/{node}/drain", tags=["fleet"])
    async def drain_node(node: NodeName) -> FleetNode:
        """Move what is watched on a node to others, one stream at a time; new ones go elsewhere."""
        return await streams.drain(node)

    @app.delete("/v1/fleet/nodes/{node}/drain", tags=["fleet"])
    async def undrain_node(node: NodeName) -> FleetNode:
        """Let a node take streams again."""
        return await streams.undrain(node)


def _add_questions(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/streams/{id}/ask",
        tags=["questions"],
        response_model=Answer,
        responses={
            200: {
                "description": "the answer; with stream=true, server-sent events: `token` "
                "(data: {text}), then `done` (data: the answer), or `error` (data: the error)",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
    )
    async def ask(stream: StreamId, question: Ask, request: Request) -> Any:
        """Answer a question from the stream's memory."""
        events = service.ask(stream, question)
        if not question.stream:
            return await _unless_left(_whole(events), request)
        # The first event is awaited here, so that a refusal still has a status of its own.
        first = await anext(events)
        return EventSourceResponse(_events(first, events), ping=15)

    @app.get("/v1/streams/{id}/memory", tags=["questions"])
    async def memory(stream: StreamId) -> Memory:
        """What the stream's memory holds: slots with their times, weights and pictures."""
        return await service.memory(stream)

    @app.get(
        "/v1/streams/{id}/evidence/{picture}.jpg",
        tags=["questions"],
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}},
    )
    async def evidence(stream: StreamId, picture: str) -> Response:
        """A picture out of memory."""
        # Pictures are named by their content, so what a name means never changes.
        return Response(
            await service.picture(stream, picture),
            media_type="image/jpeg",
            headers={"cache-control": "private, max-age=86400, immutable"},
        )


async def _whole(events: AsyncGenerator[TextDelta | Answer]) -> Answer:
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise RuntimeError("the answerer ended without an answer")


async def _unless_left(answer: Coroutine[Any, Any, Answer], request: Request) -> Answer | Response:
    """The answer, given up if the client leaves meanwhile: nobody else tells a handler of that."""

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    answering, leaving = asyncio.ensure_future(answer), asyncio.ensure_future(left())
    try:
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        return Response(status_code=CLIENT_LEFT)
    finally:
        for task in (answering, leaving):
            task.cancel()
        await asyncio.gather(answering, leaving, return_exceptions=True)


async def _events(
    first: TextDelta | Answer, rest: AsyncGenerator[TextDelta | Answer]
) -> AsyncIterator[ServerSentEvent]:
    try:
        yield _event(first)
        async for event in rest:
            yield _event(event)
    except FlashstreamError as failure:
        yield ServerSentEvent(json.dumps(failure.body()), event="error")
    finally:
        await rest.aclose()


def _event(event: TextDelta | Answer) -> ServerSentEvent:
    if isinstance(event, Answer):
        return ServerSentEvent(event.model_dump_json(), event="done")
    return ServerSentEvent(json.dumps({"text": event.text}), event="token")


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["health"])
    async def healthz() -> dict[str, str]:
        """The gateway's process is alive."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", tags=["health"], responses={503: {"model": Readiness}})
    async def readyz(response: Response) -> Readiness:
        """Everything a question needs is there; if not, says what is not."""
        readiness = await service.readiness()
        response.status_code = 200 if readiness.ready else 503
        return readiness


def _add_errors(app: FastAPI) -> None:
    log = structlog.get_logger()

    def answer(failure: FlashstreamError) -> JSONResponse:
        headers = {}
        if failure.code in _RETRY_AFTER:
            headers["retry-after"] = _RETRY_AFTER[failure.code]
        return JSONResponse(failure.body(), failure.status, headers)

    @app.exception_handler(FlashstreamError)
    async def refused(_: Request, failure: FlashstreamError) -> JSONResponse:
        return answer(failure)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, failure: RequestValidationError) -> JSONResponse:
        problems = [
            {"field": ".".join(str(part) for part in error["loc"][1:]) or "body", "problem": text}
            for error in failure.errors()
            for text in [_problem(error)]
        ]
        message = "; ".join(f"'{entry['field']}': {entry['problem']}" for entry in problems)
        return answer(InvalidRequestError(message, problems=problems))

    @app.exception_handler(HTTPException)
    async def http(request: Request, failure: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(failure.status_code, "http_error")
        message = f"{request.method} {request.url.path}: {failure.detail}; see /docs"
        body = {"error": {"code": code, "message": message, "details": {}}}
        return JSONResponse(body, failure.status_code, failure.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, failure: Exception) -> JSONResponse:
        log.error("unexpected", path=request.url.path, exc_info=failure)
        return answer(FlashstreamError("something failed inside the service; its log says what"))


def _problem(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a known field"
    if error["type"] == "json_invalid":
        return f"the body is not JSON ({error.get('ctx', {}).get('error', error['msg'])})"
    return str(error["msg"])
