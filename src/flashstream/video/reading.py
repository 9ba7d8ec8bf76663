"""Packets of an open source, and when to give up waiting for them."""

import errno
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import av.error
from av.packet import Packet
from av.stream import Stream

from flashstream.errors import NotVideoError, SourceError, UnreachableSourceError
from flashstream.video.failure import source_error
from flashstream.video.opening import Opened

# A camera's key frames may be this far apart; without any picture for longer it is given up.
NO_PICTURE_S = 30.0
_BAD_READS = 100


@dataclass(slots=True)
class SourceStats:
    """What a source has done so far.

    decoded: pictures decoded (fewer than shown: those that no wanted picture needs are left out).
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


class Reader:
    """Reads one open source. `waited` is how long the newest packet took, in seconds."""

    def __init__(
        self,
        source: Opened,
        stats: SourceStats,
        *,
        read_timeout_s: float,
        closed: threading.Event,
    ) -> None:
        self._source = source
        self._stats = stats
        self._timeout = read_timeout_s
        self._closed = closed
        self.waited = 0.0
        self._silence = 0.0  # waited since the last packet of the video track
        self._blindness = 0.0  # waited since the last picture

    def saw(self) -> None:
        """A picture was decoded, or left out on purpose."""
        self._blindness = 0.0

    def packets(self) -> Iterator["Packet[Stream]"]:
        """Packets of the video track; the last, without bytes, drains the decoder.

        Ends at the source's end, or when it is closed. Raises SourceError.
        """
        bad_reads = 0
        container, track = self._source.container, self._source.video
        # Packets of other tracks are read too: a camera whose sound goes on without its picture
        # would otherwise keep FFmpeg reading, and nobody would notice.
        packets = container.demux()
        while not self._closed.is_set():
            started = time.monotonic()
            try:
                packet = next(packets, None)
            except av.error.InvalidDataError as exc:
                self._stats.corrupt += 1
                bad_reads += 1
                if bad_reads > _BAD_READS:
                    raise self._failure(exc, started) from None
                packets = container.demux()
                continue
            except av.error.FFmpegError as exc:
                raise self._failure(exc, started) from None
            if packet is None:
                return
            self.waited = time.monotonic() - started
            self._silence += self.waited
            self._blindness += self.waited
            if self._source.live:
                self._check_alive()
            if packet.stream.index == track.index:
                self._silence, bad_reads = 0.0, 0
                yield packet

    def ended(self) -> SourceError:
        """What to raise when a live source is over."""
        return UnreachableSourceError(f"{self._source.url.display} ended the connection.")

    def _failure(self, exc: av.error.FFmpegError, started: float) -> SourceError:
        if self._source.live and exc.errno in (errno.EIO, errno.ECONNRESET, errno.EPIPE):
            return self.ended()
        elapsed = time.monotonic() - started
        return source_error(exc, self._source.url, elapsed_s=elapsed, timeout_s=self._timeout)

    def _check_alive(self) -> None:
        where, codec = self._source.url.display, self._source.video.codec_context.name
        # When a read is given up, FFmpeg first hands out the packet it held back: too late.
        if self._silence >= 0.95 * self._timeout:
            raise UnreachableSourceError(f"{where} sent no video for {self._silence:.1f} s.")
        if self._blindness > max(NO_PICTURE_S, self._timeout):
            raise NotVideoError(
                f"No picture of {where} could be decoded for {self._blindness:.0f} s "
                f"(its track says {codec})."
            )
