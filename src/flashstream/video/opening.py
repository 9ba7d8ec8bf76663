"""Opening a video, and saying in plain words why one cannot be opened."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
import av.error
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from flashstream.errors import (
    EmptySourceError,
    NotVideoError,
    NoVideoTrackError,
    UnreachableSourceError,
)
from flashstream.video.decoder import Decoder
from flashstream.video.failure import source_error
from flashstream.video.secrets import NO_SECRETS, Secrets
from flashstream.video.url import SourceUrl, parse_source

OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 10.0

# Demuxers of video and of sound (so that sound alone can be told as such). Left out: pictures,
# text art, subtitles, and playlists that name other files, which FFmpeg would take for video.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,av1,obu,ivf,m4v,"
    "flv,live_flv,asf,ogg,mjpeg,mpjpeg,mxf,nut,rm,dv,wtv,yuv4mpegpipe,vc1,hls,dash,"
    "mp3,wav,flac,aac,ac3,eac3,aiff,amr,au,caf,w64,wv,ape,tta,dts,opus"
)
# What FFmpeg says when a GPU does not open: no driver, no device, no memory.
_DEVICE_ERRORS = (
    av.error.ExternalError,
    av.error.UnknownError,
    av.error.PermissionError,
    av.error.MemoryError,
    av.error.OSError,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open container and its video track.

    live: a camera or endless feed: no end is known, it cannot be played again.
    """

    url: SourceUrl
    container: InputContainer
    video: VideoStream
    live: bool


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source gives.

    fps: pictures a second as the source states them, None if it does not.
    live: see `Opened`. duration_s: None if live or not stated.
    """

    codec: str
    width: int
    height: int
    fps: float | None
    live: bool
    duration_s: float | None


def probe(
    url: str | SourceUrl,
    *,
    open_timeout_s: float = OPEN_TIMEOUT_S,
    read_timeout_s: float = READ_TIMEOUT_S,
    secrets: Secrets = NO_SECRETS,
) -> SourceInfo:
    """Open a video, decode one picture and close it again: the check at the door.

    Takes at most about open_timeout_s + read_timeout_s. Raises SourceError of the kind that fits
    (see `opened`); NotVideoError also if no picture can be decoded.
    """
    with opened(
        url, open_timeout_s=open_timeout_s, read_timeout_s=read_timeout_s, secrets=secrets
    ) as source:
        started = time.monotonic()
        try:
            for packet in source.container.demux():
                if time.monotonic() - started > read_timeout_s:
                    break
                if packet.stream.index != source.video.index:
                    continue
                try:
                    frames = source.video.decode(packet if packet.size else None)
                except av.error.InvalidDataError:
                    continue
                if frames:
                    return _info(source, frames[0].width, frames[0].height)
        except av.error.FFmpegError as exc:
            elapsed = time.monotonic() - started
            raise source_error(
                exc, source.url, elapsed_s=elapsed, timeout_s=read_timeout_s
            ) from None
    raise NotVideoError(
        f"No picture of {source.url.display} could be decoded (its track says {source.video.name})."
    )


def _info(source: Opened, width: int, height: int) -> SourceInfo:
    rate, duration = source.video.average_rate, source.container.duration
    return SourceInfo(
        codec=source.video.codec_context.name,
        width=width,
        height=height,
        fps=float(rate) if rate else None,
        live=source.live,
        duration_s=duration / av.time_base if duration and not source.live else None,
    )


@contextmanager
def opened(
    url: str | SourceUrl,
    *,
    open_timeout_s: float = OPEN_TIMEOUT_S,
    read_timeout_s: float = READ_TIMEOUT_S,
    secrets: Secrets = NO_SECRETS,
    decoder: Decoder | None = None,
) -> Iterator[Opened]:
    """Open a video within `open_timeout_s`; every read is given up after `read_timeout_s`.

    secrets: looks up what the address names. decoder: None decodes in software.

    A host name is looked up by the system, which may take longer than the time given here.
    Decoding uses one thread: hundreds of cameras share a machine's cores. Certificates of https
    and rtsps are not checked, as cameras sign their own.

    Raises MalformedUrlError, UnsupportedUrlError, SecretReferenceError, UnreachableSourceError
    (missing, refused, timed out, 401, 404, …), EmptySourceError, NotVideoError or
    NoVideoTrackError; no message holds credentials.
    """
    source = (parse_source(url) if isinstance(url, str) else url).resolved(secrets)
    _check_file(source)
    decoder = decoder or Decoder()
    started = time.monotonic()
    try:
        container = _open(source, open_timeout_s, read_timeout_s, decoder)
    except (av.error.FFmpegError, UnicodeError) as exc:
        # FFmpeg's message repeats the address with its credentials: it goes no further.
        raise source_error(
            exc, source, elapsed_s=time.monotonic() - started, timeout_s=open_timeout_s
        ) from None
    try:
        track = _video_track(container, source)
        yield Opened(source, container, track, _is_live(container, source))
    finally:
        container.close()


def _open(source: SourceUrl, open_s: float, read_s: float, decoder: Decoder) -> InputContainer:
    options = _options(source, open_s, read_s)

    def attempt() -> InputContainer:
        return av.open(
            source.open_as,
            mode="r",
            options=options,
            timeout=(open_s, read_s),
            hwaccel=decoder.choose(),
        )

    try:
        return attempt()
    except av.error.HTTPOtherClientError:
        if options.pop("allowed_media_types", None) is None:
            raise
        # A camera without video refuses to play no track at all; ask what it has instead.
        return attempt()
    except _DEVICE_ERRORS:
        if decoder.choose() is None or not decoder.lost():
            raise
        return attempt()


def _options(source: SourceUrl, open_s: float, read_s: float) -> dict[str, str]:
    micros = str(round(max(open_s, read_s) * 1e6))
    if source.rtsp:
        return {
            "rtsp_transport": "tcp",
            "timeout": micros,
            "allowed_media_types": "video",  # a camera need not send its sound
            # Counting pictures to guess their rate takes seconds, and so does waiting until a
            # decoder that has seen seven of them can tell when they are decoded.
            "fpsprobesize": "0",
            "max_ts_probe": "0",
        }
    if source.path is not None:
        return {"format_whitelist": _FORMATS}
    return {"format_whitelist": _FORMATS, "timeout": micros}


def _check_file(source: SourceUrl) -> None:
    if source.path is None:
        return
    try:
        found = os.stat(source.path)
    except FileNotFoundError:
        raise UnreachableSourceError(f"There is no file at {source.display}.") from None
    except OSError as exc:
        raise UnreachableSourceError(
            f"The file {source.display} cannot be read: {exc.strerror}."
        ) from None
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise NotVideoError(f"{source.display} is {what}; accepted: a video file.")
    if found.st_size == 0:
        raise EmptySourceError(f"The file {source.display} has no bytes.")


def _video_track(container: InputContainer, source: SourceUrl) -> VideoStream:
    # The cover picture of a song is a "video" track too.
    tracks = [t for t in container.streams.video if not t.disposition & Disposition.attached_pic]
    if not tracks:
        kinds = sorted({t.type for t in container.streams})
        raise NoVideoTrackError(
            f"{source.display} has no video track; it holds: {', '.join(kinds) or 'nothing'}.",
            tracks=kinds,
        )
    track = max(tracks, key=lambda t: t.width * t.height)
    if track.codec_context is None:
        raise NotVideoError(f"The video track of {source.display} has a codec that is not known.")
    for other in container.streams:
        if other.index != track.index:
            other.discard = Discard.all
    track.codec_context.thread_count = 1
    return track


def _is_live(container: InputContainer, source: SourceUrl) -> bool:
    return source.rtsp or (source.path is None and container.duration is None)
