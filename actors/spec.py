"""What a stream is asked to be, and what it says of itself; both cross processes."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

from flashstream.errors import CorruptRecordError, InvalidLabelError, InvalidStreamIdError
from flashstream.video.url import parse_source

MAX_LABELS = 32
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LABEL = re.compile(r"[A-Za-z0-9._/-]{1,63}")


def check_stream_id(stream: str) -> str:
    """Return the id, or raise `InvalidStreamIdError` saying what is accepted."""
    if not _ID.fullmatch(stream):
        raise InvalidStreamIdError(
            f"{stream[:80]!r} is no stream id; accepted: 1 to 64 of A–Z a–z 0–9 . _ - , "
            "the first a letter or digit",
            stream=stream[:80],
        )
    return stream


def is_stream_id(name: str) -> bool:
    """Whether a name in the registry is a stream's; others are the fleet's own (see `Registry`)."""
    return _ID.fullmatch(name) is not None


def check_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels, or raise `InvalidLabelError` saying what is accepted."""
    if len(labels) > MAX_LABELS:
        raise InvalidLabelError(
            f"{len(labels)} labels; accepted: at most {MAX_LABELS} on a stream", labels=len(labels)
        )
    for key, value in labels.items():
        # A value may be empty: the key alone says something then.
        if not _LABEL.fullmatch(key) or (value and not _LABEL.fullmatch(value)):
            raise InvalidLabelError(
                f"{key[:80]!r}={value[:80]!r} is no label; accepted: keys of 1 to 63 and values of "
                "at most 63 of A–Z a–z 0–9 . _ - /",
                label=key[:80],
            )
    return dict(labels)


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A stream as it was asked for.

    url: the source, credentials included: never show it, show `shown_url`.
    fps: frames a second to sample. live, loop, speed: how a file is played (see `VideoSource`);
    they do not apply to network sources.
    created_s: Unix seconds.
    labels: for people and programs to find it by.
    paused: its memory answers, its camera is closed.
    generation: greater at each change, so that an older spec never replaces a newer one.
    removed: all that is stored of it is being deleted; it is a stream no more.
    """

    id: str
    url: str
    fps: float
    created_s: float
    live: bool = False
    loop: bool = False
    speed: float = 1.0
    labels: dict[str, str] = field(default_factory=dict)
    paused: bool = False
    generation: int = 1
    removed: bool = False

    @property
    def shown_url(self) -> str:
        return parse_source(self.url).display if self.url else ""

    def record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Of a record of this version or an older one; raises `CorruptRecordError`.

        Fields that are not known here are left out: a newer version wrote them.
        """
        known = {one.name for one in fields(cls)}
        try:
            spec = cls(**{name: value for name, value in record.items() if name in known})
            check_stream_id(spec.id)
            check_labels(spec.labels)
            well = isinstance(spec.url, str) and spec.fps > 0 and spec.generation >= 0
        except (TypeError, AttributeError, InvalidStreamIdError, InvalidLabelError) as failure:
            raise CorruptRecordError(f"a stream's record cannot be read: {failure}") from None
        if not well:
            raise CorruptRecordError("a stream's record has a value out of its range")
        return spec

    def same_source(self, other: "StreamSpec") -> bool:
        """Whether a camera that was opened for the other may be read on."""
        mine, its = (replace(spec, labels={}, generation=0) for spec in (self, other))
        return mine == its


class StreamState(StrEnum):
    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"  # connected, but no new picture comes
    RECONNECTING = "reconnecting"
    DEGRADED = "degraded"  # watched, but the store has not taken the memory for a while
    FAILED = "failed"  # the memory cannot be written or read, or the watcher keeps crashing
    PAUSED = "paused"  # the camera is closed because somebody wants it so
    ENDED = "ended"  # a file that is not looped has been seen to its end


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A stream as it is now. Times are Unix seconds; None before the first frame.

    durable_as_of_s: time of the newest frame that the store has. epoch: of its memory's owner; 0
    before the memory is open.
    node: id of the cluster's node that it is watched on; "" if it is watched nowhere. pid: of the
    process there.
    """

    spec: StreamSpec
    state: StreamState
    since_s: float
    reason: str
    frames_seen: int = 0
    frames_dropped: int = 0
    memory_version: int = 0
    as_of_s: float | None = None
    durable_version: int = 0
    durable_as_of_s: float | None = None
    memory_bytes: int = 0
    epoch: int = 0
    node: str = ""
    pid: int = 0
