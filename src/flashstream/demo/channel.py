"""One camera's film on its way to all its viewers, in real time."""

import asyncio
import random
import struct
from collections.abc import Callable

from flashstream.demo.rtp import CLOCK_HZ, CodedFilm, Packetizer, Picture

# A viewer that reads too slowly gets no more until it has caught up, as from a real camera.
_MOST_UNSENT = 2_000_000
_REPORT_S = 5.0


class Viewer:
    """A connection that plays: RTP on one interleaved channel, RTCP on the next."""

    def __init__(self, transport: asyncio.WriteTransport, rtp_channel: int) -> None:
        self._transport = transport
        self._rtp, self._rtcp = rtp_channel, rtp_channel + 1
        self.packetizer = Packetizer(random.getrandbits(32), random.getrandbits(15))
        self._in_step = False
        self._reported = float("-inf")

    def send(self, picture: Picture, timestamp: int, unix_s: float) -> None:
        """Send a picture, unless the viewer still waits for a key picture to begin with."""
        if self._transport.get_write_buffer_size() > _MOST_UNSENT:
            self._in_step = False
            return
        if not (self._in_step or picture.key):
            return
        self._in_step = True
        out = self.packetizer.interleaved(picture, timestamp, self._rtp)
        if unix_s - self._reported > _REPORT_S:
            self._reported = unix_s
            report = self.packetizer.sender_report(unix_s, timestamp)
            out = struct.pack(">cBH", b"$", self._rtcp, len(report)) + report + out
        self._transport.write(out)

    def lose_step(self) -> None:
        """Pictures were left out: begin again with a key picture."""
        self._in_step = False

    def end(self) -> None:
        """Close the connection when all is sent."""
        self._transport.close()


class Channel:
    """Plays a film once or for ever; viewers join at the next key picture."""

    def __init__(
        self, film: CodedFilm, *, loop: bool, on_demand: bool, delay_s: float = 0.0
    ) -> None:
        self.film = film
        self.started_at: float | None = None
        self.muted = False
        self.unplugged = False
        self.ended = False
        self._loop = loop
        self._delay_s = delay_s
        self._wanted = asyncio.Event()
        if not on_demand:
            self._wanted.set()
        self._viewers: set[Viewer] = set()
        self._epoch = random.getrandbits(31)

    def join(self, viewer: Viewer) -> None:
        """Send to this viewer too."""
        self._viewers.add(viewer)
        self._wanted.set()

    def leave(self, viewer: Viewer) -> None:
        """Send no more to this viewer; harmless when repeated."""
        self._viewers.discard(viewer)

    def drop(self) -> None:
        """Close every viewer's connection."""
        for viewer in tuple(self._viewers):
            viewer.end()

    async def play(self, now: Callable[[], float]) -> None:
        """Send the film's pictures as their times come; `now` is Unix time in seconds."""
        await self._wanted.wait()
        await asyncio.sleep(self._delay_s)
        clock = asyncio.get_running_loop()
        self.started_at, start = now(), clock.time()
        first_sent = self.film.pictures[0].sent
        base = 0
        while True:
            for picture in self.film.pictures:
                due = start + (base + picture.sent - first_sent) / CLOCK_HZ
                await asyncio.sleep(due - clock.time())
                for viewer in tuple(self._viewers):
                    if self.muted:
                        viewer.lose_step()
                    else:
                        timestamp = self._epoch + base + picture.shown
                        viewer.send(picture, timestamp, now())
            base += self.film.ticks
            if not self._loop:
                break
        # The last picture has its time too before the camera goes.
        await asyncio.sleep(start + base / CLOCK_HZ - clock.time())
        self.ended = True
        self.drop()
