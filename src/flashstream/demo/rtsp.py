"""An RTSP server (RFC 2326) that plays films as cameras do: in real time, over TCP, H.264.

One thread serves every camera of a demo or a test; packets are made beforehand, so it needs a few
percent of a core. RTP travels inside the RTSP connection (interleaved); UDP is refused.
"""

import asyncio
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from flashstream.demo.channel import Channel
from flashstream.demo.rtp import load_film
from flashstream.demo.rtsp_session import Session
from flashstream.errors import PortInUseError


@dataclass(frozen=True, slots=True)
class Mount:
    """A camera: the film it shows (H.264 in an MP4).

    loop: begin again at the end; otherwise every viewer is disconnected there.
    on_demand: the film begins when the first viewer asks to play, not with the server. delay_s: it
    begins so much later than that.
    """

    film: Path
    loop: bool = True
    on_demand: bool = False
    delay_s: float = 0.0


class RtspServer:
    """Serves mounts on a port of its own, in a thread of its own, while the context lasts."""

    def __init__(
        self,
        mounts: Mapping[str, Mount],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        """Load the films.

        mounts: by name, which is the path of the address without its first slash.
        port: 0 for any that is free. credentials: user name and password that viewers must give.
        Raises ValueError if a film is not H.264 in an MP4.
        """
        films = {film: load_film(film) for film in {mount.film for mount in mounts.values()}}
        self._channels = {
            name: Channel(
                films[mount.film],
                loop=mount.loop,
                on_demand=mount.on_demand,
                delay_s=mount.delay_s,
            )
            for name, mount in mounts.items()
        }
        self._host = host
        self._port = port
        self._credentials = credentials
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()
        self._ready = threading.Event()
        self._failure: OSError | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, once started."""
        return self._port

    def url(self, mount: str) -> str:
        """The address of a camera, without credentials."""
        if mount not in self._channels:
            raise KeyError(mount)
        return f"rtsp://{self._host}:{self._port}/{mount}"

    def started_at(self, mount: str) -> float | None:
        """Unix time at which the film's time zero went out, None if it has not yet.

        With `loop` the film's time at a later moment is what has passed since, modulo its length.
        """
        return self._channels[mount].started_at

    def mute(self, mount: str, muted: bool = True) -> None:
        """Stop sending pictures, or go on, with connections left open: a camera that hangs."""
        self._channels[mount].muted = muted

    def unplug(self, mount: str, unplugged: bool = True) -> None:
        """Drop a camera's viewers and answer 404 until it is plugged in again: a camera that
        flaps."""
        channel = self._channels[mount]
        channel.unplugged = unplugged
        if unplugged and self._loop is not None:
            self._loop.call_soon_threadsafe(channel.drop)

    def start(self) -> Self:
        """Listen, and begin all films that are not on demand. Raises PortInUseError."""
        self._thread = threading.Thread(target=self._serve, name="rtsp-server", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise PortInUseError(
                f"Port {self._port} on {self._host} cannot be listened on: "
                f"{self._failure.strerror}.",
                port=self._port,
            )
        return self

    def stop(self) -> None:
        """Drop every viewer and stop; afterwards no thread or socket is left."""
        if self._thread is None or self._loop is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        sessions: dict[Session, asyncio.Task[None] | None] = {}

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            session = Session(reader, writer, self._channels, self._credentials)
            sessions[session] = asyncio.current_task()
            try:
                await session.run()
            finally:
                del sessions[session]

        try:
            server = await asyncio.start_server(connected, self._host, self._port)
        except OSError as exc:
            self._failure = exc
            self._ready.set()
            return
        self._port = server.sockets[0].getsockname()[1]
        async with asyncio.TaskGroup() as group:
            films = [group.create_task(c.play(time.time)) for c in self._channels.values()]
            self._ready.set()
            await self._ending.wait()
            server.close()
            for film in films:
                film.cancel()
        for session in sessions:
            session.drop()
        await asyncio.gather(*filter(None, sessions.values()), return_exceptions=True)
