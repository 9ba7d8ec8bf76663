"""What a stream is asked to be, and what it says of itself; both cross processes."""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from flashstream.errors import InvalidStreamIdError
from flashstream.video.url import parse_source

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_stream_id(stream: str) -> str:
    """Return the id, or raise `InvalidStreamIdError` saying what is accepted."""
    if not _ID.fullmatch(stream):
        raise InvalidStreamIdError(
            f"{stream[:80]!r} is no stream id; accepted: 1 to 64 of A–Z a–z 0–9 . _ - , "
            "the first a letter or digit",
            stream=stream[:80],
        )
    return stream


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A stream as it was asked for.

    url: the source, credentials included: never show it, show `shown_url`.
    fps: frames a second to sample. live, loop, speed: how a file is played (see `VideoSource`);
    they do not apply to network sources.
    created_s: Unix seconds.
    """

    id: str
    url: str
    fps: float
    created_s: float
    live: bool = False
    loop: bool = False
    speed: float = 1.0

    @property
    def shown_url(self) -> str:
        return parse_source(self.url).display

    def record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "StreamSpec":
        return cls(**record)


class StreamState(StrEnum):
    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    ENDED = "ended"  # a file that is not looped has been seen to its end
    FAILED = "failed"  # needs a person: the memory cannot be written or read


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A stream as it is now. Times are Unix seconds; None before the first frame."""

    spec: StreamSpec
    state: StreamState
    since_s: float
    reason: str
    frames_seen: int
    frames_dropped: int
    memory_version: int
    as_of_s: float | None
    durable_version: int
    memory_bytes: int
