"""Bodies over the limit are refused whether or not they announce their size."""

from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from flashstream.deployments.body_limit import BodyLimit


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def client() -> httpx.AsyncClient:
    app = BodyLimit(Starlette(routes=[Route("/", echo, methods=["POST"])]), limit=100)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 10):
        yield b"0123456789"


async def test_up_to_the_limit_the_body_arrives_whole() -> None:
    async with client() as http:
        assert (await http.post("/", content=b"x" * 100)).text == "100"
        assert (await http.post("/", content=chunks(100))).text == "100"


async def test_over_the_limit_announced_or_not_is_413_and_says_the_limit() -> None:
    async with client() as http:
        for content in (b"x" * 101, chunks(110)):
            answer = await http.post("/", content=content)
            assert answer.status_code == 413
            assert answer.json()["error"]["code"] == "body_too_large"
            assert answer.json()["error"]["details"] == {"max_body_bytes": 100}
