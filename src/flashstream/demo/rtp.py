"""H.264 as RTP packets (RFC 3550, RFC 6184), out of an MP4."""

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.video.stream import VideoStream

CLOCK_HZ = 90_000
PAYLOAD_TYPE = 96
MAX_PAYLOAD = 1400

_FU_A = 28
_SPS, _PPS = 7, 8
# "$", channel and length (RFC 2326, 10.12), then RTP's header (RFC 3550, 5.1).
_HEADER = struct.Struct(">cBHBBHII")
_RTP_BYTES = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """One coded picture as payloads of RTP, and its times in ticks of 1/90000 s."""

    payloads: tuple[bytes, ...]
    shown: int
    sent: int
    key: bool


@dataclass(frozen=True, slots=True)
class CodedFilm:
    """A film as it goes over the wire: key pictures after the parameter sets. `ticks` is its
    length in 1/90000 s."""

    pictures: tuple[Picture, ...]
    parameter_sets: tuple[bytes, ...]
    ticks: int

    def sdp(self, name: str) -> str:
        """The session description (RFC 4566) with one H.264 track, "track0"."""
        sets = ",".join(base64.b64encode(nal).decode() for nal in self.parameter_sets)
        profile = self.parameter_sets[0][1:4].hex().upper()
        lines = (
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            f"s={name}",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "a=range:npt=now-",
            "a=control:*",
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
            f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}",
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={profile};"
            f"sprop-parameter-sets={sets}",
            "a=control:track0",
        )
        return "".join(f"{line}\r\n" for line in lines)


def load_film(path: Path) -> CodedFilm:
    """Read an MP4 with an H.264 track into memory. Raises ValueError if it is another thing."""
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        extra = track.codec_context.extradata or b""
        if track.codec_context.name != "h264" or extra[:1] != b"\x01":
            raise ValueError(f"{path} is not H.264 in an MP4; film it again with film_of_clip")
        size, parameter_sets = _avc_configuration(extra)
        pictures = tuple(_pictures(container, track, size, parameter_sets))
        step = round(CLOCK_HZ / float(track.average_rate or 25))
    ticks = max(picture.shown for picture in pictures) + step
    return CodedFilm(pictures, parameter_sets, ticks)


def _pictures(
    container: av.container.InputContainer,
    track: VideoStream,
    size: int,
    parameter_sets: tuple[bytes, ...],
) -> Iterator[Picture]:
    first: int | None = None
    for packet in container.demux(track):
        if packet.pts is None or packet.dts is None or not packet.size:
            continue
        shown, sent = (round(t * packet.time_base * CLOCK_HZ) for t in (packet.pts, packet.dts))
        first = shown if first is None else first
        nals = tuple(_split(bytes(packet), size))
        if packet.is_keyframe and not any(nal[0] & 0x1F in (_SPS, _PPS) for nal in nals):
            nals = (*parameter_sets, *nals)
        payloads = tuple(payload for nal in nals for payload in _payloads(nal))
        yield Picture(payloads, shown - first, sent - first, packet.is_keyframe)


def _avc_configuration(extra: bytes) -> tuple[int, tuple[bytes, ...]]:
    """Bytes of a NAL unit's length, and the SPS and PPS (ISO/IEC 14496-15, 5.3.3.1)."""
    sets: list[bytes] = []
    at = 5
    for mask in (0x1F, 0xFF):
        count, at = extra[at] & mask, at + 1
        for _ in range(count):
            (length,) = struct.unpack_from(">H", extra, at)
            sets.append(extra[at + 2 : at + 2 + length])
            at += 2 + length
    return (extra[4] & 3) + 1, tuple(sets)


def _split(data: bytes, size: int) -> Iterator[bytes]:
    at = 0
    while at + size <= len(data):
        length = int.from_bytes(data[at : at + size], "big")
        yield data[at + size : at + size + length]
        at += size + length


class Packetizer:
    """Makes RTP packets of pictures for one viewer: numbers run on from packet to packet."""

    def __init__(self, ssrc: int, sequence: int = 0) -> None:
        self.ssrc = ssrc
        self.sequence = sequence
        self.packets = 0
        self.octets = 0

    def interleaved(self, picture: Picture, timestamp: int, channel: int) -> bytes:
        """A picture's RTP packets on a channel of the viewer's RTSP connection."""
        out: list[bytes] = []
        last = len(picture.payloads) - 1
        for number, payload in enumerate(picture.payloads):
            out.append(
                _HEADER.pack(
                    b"$",
                    channel,
                    _RTP_BYTES + len(payload),
                    0x80,
                    PAYLOAD_TYPE | (0x80 if number == last else 0),  # the picture's last is marked
                    self.sequence,
                    timestamp & 0xFFFFFFFF,
                    self.ssrc,
                )
            )
            out.append(payload)
            self.sequence = (self.sequence + 1) & 0xFFFF
            self.packets += 1
            self.octets += len(payload)
        return b"".join(out)

    def sender_report(self, unix_s: float, timestamp: int) -> bytes:
        """RTCP: which RTP time it is at that wall time, and how much was sent."""
        ntp = unix_s + 2_208_988_800  # seconds from 1900 to 1970
        return struct.pack(
            ">BBHIIIIII",
            0x80,
            200,
            6,
            self.ssrc,
            int(ntp) & 0xFFFFFFFF,
            int((ntp % 1) * 2**32),
            timestamp & 0xFFFFFFFF,
            self.packets & 0xFFFFFFFF,
            self.octets & 0xFFFFFFFF,
        )


def _payloads(nal: bytes) -> Iterator[bytes]:
    """A NAL unit as it is, or in fragments (FU-A, RFC 6184 section 5.8)."""
    if len(nal) <= MAX_PAYLOAD:
        yield nal
        return
    indicator, kind = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
    body = nal[1:]
    for at in range(0, len(body), MAX_PAYLOAD - 2):
        part = body[at : at + MAX_PAYLOAD - 2]
        start = 0x80 if at == 0 else 0
        end = 0x40 if at + len(part) == len(body) else 0
        yield bytes((indicator, start | end | kind)) + part
