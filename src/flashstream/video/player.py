"""Reading an open source: packets to pictures to sampled, timed frames."""

import errno
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import av.error
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from flashstream.errors import NotVideoError, SourceError, UnreachableSourceError
from flashstream.video.failure import source_error
from flashstream.video.frame import Frame
from flashstream.video.opening import Opened
from flashstream.video.timeline import Sampler, Timeline
from flashstream.video.wallclock import CatchUp, WallClock

# A camera's key frames may be this far apart; without any picture for longer it is given up.
NO_PICTURE_S = 30.0
_BAD_READS = 100
_FRESH_S = 0.005
_MOST_BACKLOG = 32

Wanted = list[tuple[VideoFrame, float]]


@dataclass(frozen=True, slots=True)
class SourceStats:
    """What a source has done so far.

    decoded: pictures decoded (fewer than shown: those that no other picture needs and that are
        not wanted either are left out).
    sampled: frames given out.
    corrupt: packets and pictures found damaged; never fatal.
    skipped: packets left out to get back to the present.
    segments: stretches of presentation time without a jump.
    """

    decoded: int = 0
    sampled: int = 0
    corrupt: int = 0
    skipped: int = 0
    segments: int = 0


class Player:
    """Plays a source, and again if asked to, on one line of presentation time."""

    def __init__(
        self,
        *,
        timeline: Timeline,
        sampler: Sampler,
        wallclock: WallClock,
        now: Callable[[], float],
        read_timeout_s: float,
        closed: threading.Event,
    ) -> None:
        """now: Unix time in seconds. closed: ends playing when it is set."""
        self._timeline = timeline
        self._sampler = sampler
        self._wallclock = wallclock
        self._now = now
        self._read_timeout = read_timeout_s
        self._closed = closed
        self._catch_up = CatchUp()
        self._waited = 0.0  # for the newest packet
        self._silence = 0.0  # since the last packet of the video track
        self._blindness = 0.0  # since the last picture
        self.stats = SourceStats()

    def play(self, source: Opened) -> Generator[Frame]:
        """Frames up to the source's end, as `VideoSource.frames` documents."""
        before = self.stats.decoded
        self._timeline.cut()
        for wanted in self._settled(source) if source.live else self._batches(source):
            for picture, time_s in wanted:
                frame = self._frame(picture, time_s)
                if frame is None or self._closed.is_set():
                    return
                yield frame
        if source.live:
            raise _ended(source)
        if self.stats.decoded == before:
            raise NotVideoError(
                f"No picture of {source.url.display} could be decoded "
                f"(its track says {source.video.codec_context.name})."
            )

    def _settled(self, source: Opened) -> Iterator[Wanted]:
        """As `_batches`, but what opening read ahead comes once it is known when it was taken.

        That is so as soon as a packet comes that had to be waited for.
        """
        backlog: Wanted = []
        batches = self._batches(source)
        try:
            for wanted in batches:
                backlog += wanted
                if self._waited >= _FRESH_S or len(backlog) >= _MOST_BACKLOG:
                    break
        except SourceError:
            yield backlog
            raise
        yield backlog
        yield from batches

    def _batches(self, source: Opened) -> Iterator[Wanted]:
        """The pictures at sampling instants, with their times, packet by packet."""
        for packet in self._packets(source):
            yield self._placed(self._pictures(source, packet), source)

    def _packets(self, source: Opened) -> Iterator["Packet[Stream]"]:
        """Packets of the video track; the last, without bytes, drains the decoder."""
        bad_reads = 0
        # Packets of other tracks are read too: a camera whose sound goes on without its picture
        # would otherwise keep FFmpeg reading, and nobody would notice.
        packets = source.container.demux()
        while not self._closed.is_set():
            started = time.monotonic()
            try:
                packet = next(packets, None)
            except av.error.InvalidDataError as exc:
                self._count(corrupt=1)
                bad_reads += 1
                if bad_reads > _BAD_READS:
                    raise self._failure(exc, source, started) from None
                packets = source.container.demux()
                continue
            except av.error.FFmpegError as exc:
                raise self._failure(exc, source, started) from None
            if packet is None:
                return
            waited = time.monotonic() - started
            self._waited = waited
            self._silence += waited
            self._blindness += waited
            if source.live:
                self._check_alive(source)
            if packet.stream.index == source.video.index:
                self._silence, bad_reads = 0.0, 0
                yield packet

    def _failure(self, exc: av.error.FFmpegError, source: Opened, started: float) -> SourceError:
        if source.live and exc.errno in (errno.EIO, errno.ECONNRESET, errno.EPIPE):
            return _ended(source)
        elapsed = time.monotonic() - started
        return source_error(exc, source.url, elapsed_s=elapsed, timeout_s=self._read_timeout)

    def _check_alive(self, source: Opened) -> None:
        # When a read is given up, FFmpeg first hands out the packet it held back: too late.
        if self._silence >= 0.95 * self._read_timeout:
            raise UnreachableSourceError(
                f"{source.url.display} sent no video for {self._silence:.1f} s."
            )
        if self._blindness > max(NO_PICTURE_S, self._read_timeout):
            raise NotVideoError(
                f"No picture of {source.url.display} could be decoded for "
                f"{self._blindness:.0f} s (its track says {source.video.codec_context.name})."
            )

    def _pictures(self, source: Opened, packet: "Packet[Stream]") -> list[VideoFrame]:
        codec = source.video.codec_context
        pts = _seconds(packet.pts, source.video)
        if self._catch_up.skipping and packet.size:
            if not self._resumes(pts, packet.is_keyframe):
                self._count(skipped=1)
                return []
            codec.flush_buffers()
        # A picture that no other refers to, and that lies before the next instant, would be
        # decoded for nothing; leaving it out changes no other.
        needless = (
            pts is not None
            and not self._timeline.breaks(pts)
            and self._timeline.foresee(pts) + 0.01 < self._sampler.due_s
        )
        codec.skip_frame = "NONREF" if needless else "DEFAULT"
        corrupt = bool(packet.size and packet.is_corrupt)
        try:
            pictures = source.video.decode(packet if packet.size else None)
        except av.error.FFmpegError:
            pictures, corrupt = [], True
        damaged = corrupt + sum(picture.is_corrupt for picture in pictures)
        self._count(decoded=len(pictures), corrupt=damaged)
        if pictures:
            self._blindness = 0.0
        return pictures

    def _resumes(self, pts: float | None, key: bool) -> bool:
        lag = 0.0
        if pts is not None and not self._timeline.breaks(pts):
            lag = self._wallclock.lag(self._timeline.foresee(pts), self._now())
        self._blindness = 0.0
        return self._catch_up.resumes(lag, key)

    def _placed(self, pictures: list[VideoFrame], source: Opened) -> Wanted:
        wanted = []
        for picture in pictures:
            segments = self._timeline.segments
            time_s = self._timeline.place(_seconds(picture.pts, source.video))
            if self._timeline.segments != segments:
                self._count(segments=1)
                self._wallclock.anchor()
            now = self._now()
            self._catch_up.note(self._wallclock.lag(time_s, now), now)
            if self._sampler.takes(time_s, damaged=picture.is_corrupt):
                wanted.append((picture, time_s))
        return wanted

    def _frame(self, picture: VideoFrame, time_s: float) -> Frame | None:
        """The frame, when its time has come; None if the source was closed before."""
        wall_s = self._wallclock.wall(time_s)
        frame = Frame(time_s, wall_s, _rgb(picture), bool(picture.key_frame))
        while (early := self._wallclock.early(time_s, self._now())) > 0:
            if self._closed.wait(early):
                return None
        self._count(sampled=1)
        return frame

    def _count(
        self,
        *,
        decoded: int = 0,
        sampled: int = 0,
        corrupt: int = 0,
        skipped: int = 0,
        segments: int = 0,
    ) -> None:
        was = self.stats
        self.stats = replace(
            was,
            decoded=was.decoded + decoded,
            sampled=was.sampled + sampled,
            corrupt=was.corrupt + corrupt,
            skipped=was.skipped + skipped,
            segments=was.segments + segments,
        )


def _seconds(pts: int | None, track: VideoStream) -> float | None:
    # The decoder's last pictures know no time base of their own.
    return None if pts is None or track.time_base is None else float(pts * track.time_base)


def _ended(source: Opened) -> SourceError:
    return UnreachableSourceError(f"{source.url.display} ended the connection.")


def _rgb(picture: VideoFrame) -> NDArray[np.uint8]:
    """uint8[H, W, 3] as the picture is meant to be seen: turned as its track says."""
    rgb = np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)
    turns = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb
