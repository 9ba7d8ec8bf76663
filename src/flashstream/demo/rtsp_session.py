"""One RTSP connection: its requests, answers and its place among a camera's viewers."""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from flashstream.demo.channel import Channel, Viewer

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
}
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
_SESSION_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]


class Session:
    """Answers the requests of one connection until it ends."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        channels: Mapping[str, Channel],
        credentials: tuple[str, str] | None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._channels = channels
        self._expected: str | None = None
        if credentials is not None:
            token = base64.b64encode(":".join(credentials).encode()).decode()
            self._expected = f"Basic {token}"
        self._id = secrets.token_hex(8)
        self._viewer: Viewer | None = None
        self._channel: Channel | None = None

    async def run(self) -> None:
        """Serve until the viewer leaves, the film ends or `drop` is called."""
        try:
            while (request := await self._next_request()) is not None:
                code, headers, body = self._answer(request)
                self._write(code, request, headers, body)
                if request.method == "PLAY" and code == 200 and self._channel and self._viewer:
                    self._channel.join(self._viewer)
                if request.method == "TEARDOWN":
                    break
                await self._writer.drain()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass  # the viewer went away, or speaks something else
        finally:
            if self._channel and self._viewer:
                self._channel.leave(self._viewer)
            self._writer.close()

    def drop(self) -> None:
        """Cut the connection at once."""
        self._writer.transport.abort()

    async def _next_request(self) -> Request | None:
        while True:
            first = await self._reader.read(1)
            if not first:
                return None
            if first != b"$":
                break
            # The viewer's RTCP reports, which nobody here needs.
            header = await self._reader.readexactly(3)
            await self._reader.readexactly(int.from_bytes(header[1:], "big"))
        head = first + await self._reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").strip("\r\n").split("\r\n")
        method, url, _ = lines[0].split(" ", 2)
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Request(method, url, headers)

    def _answer(self, request: Request) -> tuple[int, dict[str, str], str]:
        if request.method == "OPTIONS":
            return 200, {"Public": _METHODS}, ""
        given = request.headers.get("authorization", "")
        if self._expected and not hmac.compare_digest(given.encode(), self._expected.encode()):
            return 401, {"WWW-Authenticate": 'Basic realm="camera"'}, ""
        name = urlsplit(request.url).path.removesuffix("/track0").strip("/")
        channel = self._channels.get(name)
        if channel is None or channel.ended or channel.unplugged:
            return 404, {}, ""
        if request.method == "DESCRIBE":
            base = f"{request.url.rstrip('/')}/"
            headers = {"Content-Type": "application/sdp", "Content-Base": base}
            return 200, headers, channel.film.sdp(name)
        if request.method == "SETUP":
            return self._set_up(request, channel)
        if request.method in ("PLAY", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"):
            return self._in_session(request)
        return 501, {"Public": _METHODS}, ""

    def _set_up(self, request: Request, channel: Channel) -> tuple[int, dict[str, str], str]:
        transport = request.headers.get("transport", "")
        if not transport.upper().startswith("RTP/AVP/TCP"):
            return 461, {}, ""
        if self._viewer is not None:
            return 455, {}, ""
        rtp = 0
        for part in transport.split(";"):
            if part.startswith("interleaved="):
                rtp = int(part.removeprefix("interleaved=").split("-")[0])
        if not 0 <= rtp <= 254:
            return 400, {}, ""
        self._viewer = Viewer(self._writer.transport, rtp)
        self._channel = channel
        agreed = f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtp + 1}"
        session = f"{self._id};timeout={_SESSION_TIMEOUT_S}"
        return 200, {"Transport": agreed, "Session": session}, ""

    def _in_session(self, request: Request) -> tuple[int, dict[str, str], str]:
        if self._viewer is None or request.headers.get("session", "").split(";")[0] != self._id:
            return 454, {}, ""
        headers = {"Session": self._id}
        if request.method == "PLAY":
            headers["Range"] = "npt=now-"
            sequence = self._viewer.packetizer.sequence
            headers["RTP-Info"] = f"url={request.url.rstrip('/')}/track0;seq={sequence}"
        return 200, headers, ""

    def _write(self, code: int, request: Request, headers: Mapping[str, str], body: str) -> None:
        lines = [f"RTSP/1.0 {code} {_REASONS[code]}", f"CSeq: {request.headers.get('cseq', '0')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body.encode())}")
        self._writer.write("\r\n".join([*lines, "", body]).encode())
