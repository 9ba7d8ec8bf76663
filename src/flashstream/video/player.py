"""Playing an open source: packets to pictures to sampled, timed frames."""

import threading
from collections.abc import Callable, Generator, Iterator

import av.error
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from flashstream.errors import NotVideoError, SourceError
from flashstream.video.choices import DecodeName
from flashstream.video.frame import Frame
from flashstream.video.held import HeldPackets
from flashstream.video.opening import Opened
from flashstream.video.reading import Reader, SourceStats
from flashstream.video.timeline import Sampler, Timeline
from flashstream.video.wallclock import CatchUp, WallClock

_FRESH_S = 0.005
_MOST_BACKLOG = 32

Wanted = list[tuple[VideoFrame, float]]


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
        decode: DecodeName = "auto",
    ) -> None:
        """now: Unix time in seconds. closed: ends playing when it is set."""
        self._timeline = timeline
        self._sampler = sampler
        self._wallclock = wallclock
        self._now = now
        self._read_timeout = read_timeout_s
        self._closed = closed
        self._decode = decode
        self._held: HeldPackets | None = None
        self._catch_up = CatchUp()
        self._opening = False
        self.stats = SourceStats()

    def play(self, source: Opened) -> Generator[Frame]:
        """Frames up to the source's end, as `VideoSource.frames` documents."""
        reader = Reader(source, self.stats, read_timeout_s=self._read_timeout, closed=self._closed)
        before = self.stats.decoded
        held = HeldPackets(source.video.codec_context)
        self._held = held if held.able and self._decode == "auto" else None
        self._timeline.cut()
        self._opening = True
        for wanted in (self._settled if source.live else self._batches)(source, reader):
            for picture, time_s in wanted:
                frame = self._frame(picture, time_s)
                if frame is None or self._closed.is_set():
                    return
                yield frame
        if self._closed.is_set():
            return
        if source.live:
            raise reader.ended()
        if self.stats.decoded == before:
            raise NotVideoError(
                f"No picture of {source.url.display} could be decoded "
                f"(its track says {source.video.codec_context.name})."
            )

    def _settled(self, source: Opened, reader: Reader) -> Iterator[Wanted]:
        """As `_batches`, but what opening read ahead comes once it is known when it was taken.

        That is so as soon as a packet comes that had to be waited for.
        """
        backlog: Wanted = []
        batches = self._batches(source, reader)
        try:
            for wanted in batches:
                backlog += wanted
                if reader.waited >= _FRESH_S or len(backlog) >= _MOST_BACKLOG:
                    break
        except SourceError:
            yield backlog
            raise
        yield backlog
        yield from batches

    def _batches(self, source: Opened, reader: Reader) -> Iterator[Wanted]:
        """The pictures at sampling instants, with their times, packet by packet."""
        for packet in reader.packets():
            yield list(self._wanted(source, reader, packet))

    def _wanted(
        self, source: Opened, reader: Reader, packet: "Packet[Stream]"
    ) -> Iterator[tuple[VideoFrame, float]]:
        """The pictures at sampling instants that come out when this packet has come in."""
        pts = _seconds(packet.pts, source.video)
        if self._catch_up.skipping and packet.size:
            reader.saw()
            self._leave_out(source)
            if not self._resumes(pts, packet.is_keyframe):
                self.stats.skipped += 1
                return
            source.video.codec_context.flush_buffers()
        if self._held and (not packet.size or self._held.makes_needless(packet)):
            self._leave_out(source)
        if self._holds(source, packet, pts):
            reader.saw()
            return
        for earlier in self._held.take() if self._held else ():
            for picture in self._decoded(source, reader, earlier):
                yield from self._placed(source, picture, late=True)
        for picture in self._decoded(source, reader, packet):
            yield from self._placed(source, picture, late=False)

    def _holds(self, source: Opened, packet: "Packet[Stream]", pts: float | None) -> bool:
        """Whether the packet is kept until it is known whether a picture needs it."""
        if self._held is None or pts is None or not packet.size or not self._needless(pts):
            return False
        follows = self._held.follows(pts, max_gap_s=self._timeline.max_gap_s)
        if not follows or not self._held.hold(packet, pts):
            return False
        if not source.video.codec_context.has_b_frames:
            # It is shown as it comes, so how late it comes tells how far reading is behind.
            now = self._now()
            lag = self._wallclock.lag(self._timeline.foresee(pts), now)
            self._catch_up.note(lag, now)
        return True

    def _leave_out(self, source: Opened) -> None:
        """Decode nothing of what is held: nobody will see it. Its time passes all the same."""
        packets = self._held.take() if self._held else []
        self.stats.corrupt += sum(packet.is_corrupt for packet in packets)
        times = [_seconds(packet.pts, source.video) for packet in packets]
        self._timeline.leave_out(pts for pts in times if pts is not None)

    def _needless(self, pts: float | None) -> bool:
        """Whether the picture of that time lies before the next sampling instant."""
        return (
            pts is not None
            and not self._timeline.breaks(pts)
            and self._timeline.foresee(pts) + 0.01 < self._sampler.due_s
        )

    def _decoded(
        self, source: Opened, reader: Reader, packet: "Packet[Stream]"
    ) -> list[VideoFrame]:
        # A picture that no other refers to, and that lies before the next instant, would be
        # decoded for nothing; leaving it out changes no other.
        needless = self._needless(_seconds(packet.pts, source.video))
        source.video.codec_context.skip_frame = "NONREF" if needless else "DEFAULT"
        corrupt = bool(packet.size and packet.is_corrupt)
        try:
            pictures = source.video.decode(packet if packet.size else None)
        except av.error.FFmpegError:
            pictures, corrupt = [], True
        self.stats.decoded += len(pictures)
        self.stats.corrupt += corrupt + sum(picture.is_corrupt for picture in pictures)
        if pictures:
            reader.saw()
        return pictures

    def _resumes(self, pts: float | None, key: bool) -> bool:
        lag = 0.0
        if pts is not None and not self._timeline.breaks(pts):
            lag = self._wallclock.lag(self._timeline.foresee(pts), self._now())
        return self._catch_up.resumes(lag, key)

    def _placed(self, source: Opened, picture: VideoFrame, *, late: bool) -> Wanted:
        """The picture with its time, if it is wanted. late: it could have been decoded before."""
        pts_s = _seconds(picture.pts, source.video)
        if pts_s is None and self._opening and source.url.rtsp:
            # FFmpeg counts RTP's times from the first packet's, and loses that one's itself.
            pts_s = 0.0
        self._opening = False
        time_s = self._timeline.place(pts_s)
        if self._timeline.segments != self.stats.segments:
            self.stats.segments = self._timeline.segments
            self._wallclock.anchor()
            late = False
        if not late:
            now = self._now()
            self._catch_up.note(self._wallclock.lag(time_s, now), now)
        taken = self._sampler.takes(time_s, damaged=picture.is_corrupt)
        return [(picture, time_s)] if taken else []

    def _frame(self, picture: VideoFrame, time_s: float) -> Frame | None:
        """The frame, when its time has come; None if the source was closed before."""
        # Interfaces tell times to the microsecond; so what they tell is what a memory holds.
        wall_s = round(self._wallclock.wall(time_s), 6)
        frame = Frame(time_s, wall_s, _rgb(picture), bool(picture.key_frame))
        while (early := self._wallclock.early(time_s, self._now())) > 0:
            if self._closed.wait(early):
                return None
        self.stats.sampled += 1
        return frame


def _seconds(pts: int | None, track: VideoStream) -> float | None:
    # The decoder's last pictures know no time base of their own.
    return None if pts is None or track.time_base is None else float(pts * track.time_base)


def _rgb(picture: VideoFrame) -> NDArray[np.uint8]:
    """uint8[H, W, 3] as the picture is meant to be seen: turned as its track says."""
    rgb = np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)
    turns = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb
