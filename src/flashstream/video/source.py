"""A camera or a file as a stream of sampled frames."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from flashstream.errors import NotVideoError, SourceError
from flashstream.video.choices import DecodeName
from flashstream.video.decoder import Decoder
from flashstream.video.frame import Frame
from flashstream.video.opening import OPEN_TIMEOUT_S, READ_TIMEOUT_S, Opened, opened
from flashstream.video.player import Player
from flashstream.video.reading import SourceStats
from flashstream.video.secrets import NO_SECRETS, Secrets
from flashstream.video.timeline import Sampler, Timeline
from flashstream.video.url import SourceUrl, parse_source
from flashstream.video.wallclock import FileClock, LiveClock

_TICK_S = 0.001


class VideoSource:
    """Frames of a file, an HTTP(S) address or an RTSP camera (over TCP), sampled by time.

    A source is read once, by one thread; `close` and `stats` may be used from any.
    """

    def __init__(
        self,
        url: str | SourceUrl,
        *,
        fps: float,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        live: bool = False,
        loop: bool = False,
        speed: float = 1.0,
        decode: DecodeName = "auto",
        decoder: Decoder | None = None,
        secrets: Secrets = NO_SECRETS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Check the address; nothing is opened yet.

        fps: frames a second of presentation time to give out.
        live: play a file like a camera, paced by its presentation times, `speed` times as fast.
            Without it a file is read as fast as it is decoded, and taken to be shown at its own
            speed from the time its first frame is read.
        loop: begin a file again at its end; presentation times go on.
        decode: which pictures are decoded; "auto" and "all" give the same frames.
        decoder: with what; None is software. secrets: looks up what the address names.
        clock: Unix time in seconds.

        A source that is live anyway (see `Opened`) takes no notice of live, loop and speed.
        Raises MalformedUrlError, UnsupportedUrlError.
        """
        if fps <= 0 or speed <= 0:
            raise ValueError(f"fps and speed are above 0, not {fps} and {speed}")
        self.url = parse_source(url) if isinstance(url, str) else url
        self._fps = fps
        self._open_timeout = open_timeout_s
        self._read_timeout = read_timeout_s
        self._live = live
        self._loop = loop
        self._speed = speed
        self._decode = decode
        self._decoder = decoder or Decoder()
        self._secrets = secrets
        self._clock = clock
        self._closed = threading.Event()
        self._reading = threading.Lock()
        self._frames: Generator[Frame] | None = None
        self._player: Player | None = None

    @property
    def stats(self) -> SourceStats:
        """Counts up to now."""
        return replace(self._player.stats) if self._player else SourceStats()

    def frames(self) -> Iterator[Frame]:
        """Open the source and give the first frame at or after each sampling instant.

        Ends when a file ends (without `loop`) or after `close`. A live source never ends by
        itself: when it stops sending for `read_timeout_s`, or closes the connection,
        UnreachableSourceError is raised. Raises at its first step what `opened` raises;
        NotVideoError if nothing in the source can be decoded.
        """
        if self._frames is not None:
            raise RuntimeError("a source is read once; make another to read again")
        self._frames = self._run()
        return _Guarded(self._frames, self._reading)

    def close(self) -> None:
        """End the frames and close the source; harmless when repeated.

        A reader that waits for a frame's time stops at once; one that waits for the network
        stops at the next packet, or at the latest when its time-out is over (opening: the larger
        of the two time-outs; reading: `read_timeout_s`).
        """
        self._closed.set()
        if self._frames is not None and self._reading.acquire(blocking=False):
            try:
                self._frames.close()
            finally:
                self._reading.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> Generator[Frame]:
        try:
            while not self._closed.is_set():
                with opened(
                    self.url,
                    open_timeout_s=self._open_timeout,
                    read_timeout_s=self._read_timeout,
                    secrets=self._secrets,
                    decoder=self._decoder,
                ) as source:
                    self._player = self._player or self._make_player(source)
                    yield from self._player.play(source)
                if not self._loop or source.live:
                    break
        except SourceError as failure:
            if isinstance(failure, NotVideoError) and self._decoder.choose() is not None:
                self._decoder.fall_back(failure.message)
            if not self._closed.is_set():
                raise

    def _make_player(self, source: Opened) -> Player:
        clock = LiveClock() if source.live else FileClock(paced=self._live, speed=self._speed)
        rate = source.video.average_rate or source.video.guessed_rate
        step = 1 / float(rate) if rate and 1 <= rate <= 240 else 0.04
        tick = float(source.video.time_base or 0)
        return Player(
            timeline=Timeline(step),
            sampler=Sampler(self._fps, tolerance_s=min(tick, _TICK_S)),
            wallclock=clock,
            now=self._clock,
            read_timeout_s=self._read_timeout,
            closed=self._closed,
            decode=self._decode,
        )


class _Guarded:
    """A generator that another thread may close: never while it runs."""

    def __init__(self, frames: Generator[Frame], lock: threading.Lock) -> None:
        self._frames = frames
        self._lock = lock

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        with self._lock:
            return next(self._frames)
