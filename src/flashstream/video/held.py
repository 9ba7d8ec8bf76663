"""Coded pictures that wait until it is known whether anyone needs them."""

from collections.abc import Iterator

from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext

MOST_BYTES = 8_000_000
# H.264: slices; IDR; SPS, PPS. HEVC: slices; BLA and IDR (a CRA's leading pictures may need what
# comes before it); VPS, SPS, PPS.
_H264 = (range(1, 6), range(5, 6), range(7, 9))
_HEVC = (range(32), range(16, 21), range(32, 35))
# Each key picture of these is complete in itself, and nothing after it reaches back before it.
_PLAIN = ("mjpeg", "vp8", "vp9")


class HeldPackets:
    """Packets of pictures that are not wanted, in the order in which they came.

    A picture that is wanted needs them decoded first; a picture at which decoding can begin
    anew, coming first, makes them needless. The pictures that are wanted come out the same as if
    everything had been decoded.
    """

    def __init__(self, codec: VideoCodecContext) -> None:
        kinds = {"h264": _H264, "hevc": _HEVC}.get(codec.name)
        self.able = kinds is not None or codec.name in _PLAIN
        """Whether it can be told of this codec where decoding can begin anew."""
        self._slices, self._restarts, self._sets = kinds or (range(0), range(0), range(0))
        self._hevc = codec.name == "hevc"
        # ISO/IEC 14496-15 (MP4, Matroska): units with a length in front; else start codes.
        extra = codec.extradata or b""
        at = 21 if self._hevc else 4
        self._length = (extra[at] & 3) + 1 if extra[:1] == b"\x01" and len(extra) > at else 0
        self._packets: list[Packet[Stream]] = []
        self._bytes = 0
        self._with_sets = False
        self._times: list[float] = []

    def follows(self, pts_s: float, *, max_gap_s: float) -> bool:
        """Whether a presentation time goes on from those held, but for the order of B-frames."""
        if not self._times:
            return True
        return -0.5 <= pts_s - max(self._times[-16:]) <= max_gap_s

    def makes_needless(self, packet: "Packet[Stream]") -> bool:
        """Whether decoding can begin with this packet, without those held."""
        restart, sets = self._look(packet)
        # What describes the pictures to come must not be lost with a picture that is left out.
        return restart and (sets or not self._with_sets)

    def hold(self, packet: "Packet[Stream]", pts_s: float) -> bool:
        """Keep a packet; False if it, and what is held before it, is to be decoded instead."""
        if self._bytes + packet.size > MOST_BYTES:
            return False
        self._packets.append(packet)
        self._times.append(pts_s)
        self._bytes += packet.size
        self._with_sets |= self._look(packet)[1]
        return True

    def take(self) -> list["Packet[Stream]"]:
        """All that is held, to be decoded or left out; nothing is held then."""
        taken = self._packets
        self._packets, self._times, self._bytes, self._with_sets = [], [], 0, False
        return taken

    def _look(self, packet: "Packet[Stream]") -> tuple[bool, bool]:
        """Whether decoding can begin with this packet, and whether it has parameter sets."""
        if not self._slices:
            return packet.is_keyframe, False
        if packet.has_sidedata("new_extradata"):
            return False, True
        restart = sets = False
        for kind in self._units(bytes(packet)):
            sets |= kind in self._sets
            if kind in self._slices:
                restart = packet.is_keyframe and kind in self._restarts
                break
        return restart, sets

    def _units(self, data: bytes) -> Iterator[int]:
        """The types of the NAL units, in order."""
        at = 0
        while True:
            if self._length:
                head = at + self._length
                size = int.from_bytes(data[at:head], "big")
                at = head + size
            else:
                at = data.find(b"\x00\x00\x01", at)
                head = at + 3
                if at < 0:
                    return
                at = head
            if head >= len(data):
                return
            yield (data[head] >> 1) & 0x3F if self._hevc else data[head] & 0x1F
