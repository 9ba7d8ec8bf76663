"""A client of the HTTP interface: what the CLI, the demo and programs use."""

import json
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx
from httpx_sse import EventSource

from flashstream.errors import FlashstreamError, UnreachableServiceError

DEFAULT_URL = "http://127.0.0.1:8000"


class RemoteError(FlashstreamError):
    """An error that the service answered with; has the service's code and status."""

    def __init__(self, message: str, *, code: str, status: int, **details: Any) -> None:
        super().__init__(message, **details)
        self.code = code  # type: ignore[misc]
        self.status = status  # type: ignore[misc]

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.message, self.code, self.status, self.details))


def _rebuild(message: str, code: str, status: int, details: dict[str, Any]) -> RemoteError:
    return RemoteError(message, code=code, status=status, **details)


class Client:
    """Blocking; one connection pool. Answers are the JSON bodies that `/docs` describes.

    Raises `RemoteError` for an answer that is an error, `UnreachableServiceError` if nothing
    answers.
    """

    def __init__(self, url: str = DEFAULT_URL, *, timeout_s: float = 120.0) -> None:
        self.url = url.rstrip("/")
        # Without TLS there is nothing to verify, and reading all authorities takes 20 ms.
        verify = self.url.lower().startswith("https:")
        self._http = httpx.Client(base_url=self.url, timeout=timeout_s, verify=verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def add_stream(self, stream: str, url: str, **options: Any) -> dict[str, Any]:
        """POST /v1/streams; options as in its body (fps, live, loop, speed, labels, check)."""
        return self._json("POST", "/v1/streams", {"id": stream, "url": url, **options})

    def streams(self, **filters: Any) -> list[dict[str, Any]]:
        """All streams that the filters let through, page by page; filters as in `stream_page`."""
        return list(self.each_stream(**filters))

    def each_stream(self, **filters: Any) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self.stream_page(cursor=cursor, **filters)
            yield from page["items"]
            if (cursor := page["next_cursor"]) is None:
                return

    def stream_page(
        self,
        *,
        labels: Sequence[str] = (),
        states: Sequence[str] = (),
        part: str = "",
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """GET /v1/streams: labels (KEY=VALUE, all of them), states (any), part of id or address."""
        query = _query(
            label=list(labels), state=list(states), q=part or None, limit=limit, cursor=cursor
        )
        return self._json("GET", f"/v1/streams?{query}")

    def change_stream(self, stream: str, **changes: Any) -> dict[str, Any]:
        """PATCH /v1/streams/{id}: url, fps, labels, check."""
        return self._json("PATCH", f"/v1/streams/{stream}", changes)

    def pause_stream(self, stream: str) -> dict[str, Any]:
        return self._json("POST", f"/v1/streams/{stream}/pause")

    def resume_stream(self, stream: str) -> dict[str, Any]:
        return self._json("POST", f"/v1/streams/{stream}/resume")

    def nodes(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._json("GET", "/v1/fleet/nodes")["items"]
        return items

    def drain_node(self, node: str) -> dict[str, Any]:
        return self._json("POST", f"/v1/fleet/nodes/{quote(node, safe='')}/drain")

    def undrain_node(self, node: str) -> dict[str, Any]:
        return self._json("DELETE", f"/v1/fleet/nodes/{quote(node, safe='')}/drain")

    def stream(self, stream: str) -> dict[str, Any]:
        return self._json("GET", f"/v1/streams/{stream}")

    def remove_stream(self, stream: str) -> None:
        self._checked(self._send("DELETE", f"/v1/streams/{stream}"))

    def memory(self, stream: str) -> dict[str, Any]:
        return self._json("GET", f"/v1/streams/{stream}/memory")

    def ask(self, stream: str, question: str, **options: Any) -> dict[str, Any]:
        """POST /v1/streams/{id}/ask, answered whole; options: max_tokens, deadline_s."""
        return self._json("POST", f"/v1/streams/{stream}/ask", {"question": question, **options})

    def ask_stream(
        self, stream: str, question: str, **options: Any
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The same as server-sent events: ("token", {"text"}) …, then ("done", answer)."""
        body = {"question": question, "stream": True, **options}
        try:
            with self._http.stream("POST", f"/v1/streams/{stream}/ask", json=body) as answer:
                if answer.status_code >= 400:
                    answer.read()
                self._checked(answer)
                for event in EventSource(answer).iter_sse():
                    data = json.loads(event.data)
                    if event.event == "error":
                        raise _remote(data, 500)
                    yield event.event, data
        except httpx.TransportError as failure:
            raise self._unreachable(failure) from None

    def picture(self, path: str) -> bytes:
        """The JPEG at the path that an answer's evidence names."""
        return self._checked(self._send("GET", path)).content

    def readiness(self) -> dict[str, Any]:
        """GET /readyz, ready or not."""
        answer = self._send("GET", "/readyz")
        found: dict[str, Any] = answer.json()
        return found

    def _json(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = self._checked(self._send(method, path, body)).json()
        return found

    def _send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            return self._http.request(method, path, json=body)
        except httpx.TransportError as failure:
            raise self._unreachable(failure) from None

    def _unreachable(self, failure: Exception) -> UnreachableServiceError:
        return UnreachableServiceError(
            f"no service answers at {self.url} ({failure}); start one with 'flashstream serve' "
            "or give its address with --url"
        )

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code >= 400:
            try:
                body = answer.json()
            except ValueError:
                body = {}
            raise _remote(body, answer.status_code)
        return answer


def _query(**asked: Any) -> str:
    return urlencode({key: value for key, value in asked.items() if value is not None}, doseq=True)


def _remote(body: dict[str, Any], status: int) -> RemoteError:
    error = body.get("error", {})
    said = f"the service answered with HTTP status {status}"
    if status == 500 and not error:  # its proxy did: the gateway would say what is wrong
        said += ": what had this request ended before it answered; whether it was done is not known"
    return RemoteError(
        error.get("message", said),
        code=error.get("code", "http_error"),
        status=status,
        **error.get("details", {}),
    )
