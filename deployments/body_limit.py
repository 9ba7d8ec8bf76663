"""Refuses request bodies over a limit, announced or not, before anything reads them whole."""

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flashstream.errors import BodyTooLargeError


class BodyLimit:
    """ASGI middleware: 413 if Content-Length, or the bytes that came, exceed `limit`."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            await self._refuse(send)
            return
        # Bodies here are small by nature, so reading one before the application does is cheap,
        # and the refusal can still be the response's first byte.
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._limit:
                await self._refuse(send)
                return
            more = message.get("more_body", False)
        body: Message | None = {
            "type": "http.request",
            "body": b"".join(chunks),
            "more_body": False,
        }

        async def replay() -> Message:
            nonlocal body
            if body is not None:
                first, body = body, None
                return first
            return await receive()

        await self._app(scope, replay, send)

    async def _refuse(self, send: Send) -> None:
        error = BodyTooLargeError(
            f"the request's body is larger than {self._limit} bytes", max_body_bytes=self._limit
        )
        payload = json.dumps(error.body()).encode()
        await send(
            {
                "type": "http.response.start",
                "status": error.status,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(payload)).encode()),
                    (b"connection", b"close"),
                ],
            }
        )
        await send({"type": "http.response.body", "body": payload})
