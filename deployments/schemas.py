"""Bodies of the HTTP interface. Times are RFC 3339, UTC; durations are seconds."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from flashstream.actors.spec import StreamState


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


Labels = Annotated[
    dict[str, str],
    Field(
        description="at most 32; keys of 1 to 63 and values of at most 63 of A–Z a–z 0–9 . _ - /"
    ),
]


class NewStream(Body):
    """A camera to watch."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "gate-3",
                    "url": "rtsp://127.0.0.1:8554/gate-3",
                    "fps": 1.0,
                    "labels": {"site": "harbour", "floor": "0"},
                },
                {"id": "replay", "url": "/videos/yard.mp4", "loop": True, "speed": 4.0},
            ]
        },
    )

    id: Annotated[
        str, Field(description="1 to 64 of A–Z a–z 0–9 . _ - , the first a letter or digit")
    ]
    url: Annotated[str, Field(description="rtsp(s)://, http(s)://, or a file on the server")]
    fps: Annotated[
        float | None,
        Field(gt=0, le=30, description="frames a second to sample; unset: the service's default"),
    ] = None
    live: Annotated[
        bool,
        Field(
            description="files only: play in real time as a camera would; "
            "false reads the file as fast as it can be seen"
        ),
    ] = True
    loop: Annotated[bool, Field(description="files only: start again at the end")] = False
    speed: Annotated[
        float, Field(gt=0, le=100, description="files only: times faster than real time")
    ] = 1.0
    labels: Labels = {}
    check: Annotated[
        bool,
        Field(
            description="open the source and decode a frame before accepting it; "
            "false accepts a camera that is down now and waits for it"
        ),
    ] = True


class StreamChange(Body):
    """What of a stream is to become other; what is not given stays. The memory stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"fps": 2.0}, {"labels": {"site": "harbour"}}]},
    )

    url: Annotated[str | None, Field(description="as of a new stream")] = None
    fps: Annotated[float | None, Field(gt=0, le=30)] = None
    labels: Annotated[
        dict[str, str] | None, Field(description="all labels from now on, as of a new stream")
    ] = None
    check: Annotated[bool, Field(description="open a new source before accepting it")] = True


class Stream(Body):
    """A stream as it is now."""

    id: str
    url: Annotated[str, Field(description="without credentials")]
    fps: float
    live: bool
    loop: bool
    speed: float
    labels: dict[str, str]
    paused: bool
    generation: Annotated[int, Field(description="greater at each change of the stream")]
    created: datetime
    state: StreamState
    since: Annotated[datetime, Field(description="when that state began")]
    reason: Annotated[str, Field(description="why it is in that state")]
    frames_seen: int
    frames_dropped: int
    memory_version: int
    durable_version: Annotated[int, Field(description="newest version that the store has")]
    as_of: Annotated[datetime | None, Field(description="time of the newest frame in memory")]
    durable_as_of: Annotated[
        datetime | None, Field(description="time of the newest frame that the store has")
    ]
    memory_bytes: int
    node: Annotated[str, Field(description="id of the node it is watched on; empty: nowhere")]
    pid: Annotated[int, Field(description="of the process that watches it there; 0: none")]


class StreamList(Body):
    """Streams by id, as they were found a second or two ago."""

    items: list[Stream]
    next_cursor: Annotated[
        str | None, Field(description="give it as `cursor` for what follows; null: that was all")
    ] = None


class FleetNode(Body):
    """A node of the cluster, and what is watched on it."""

    id: str
    name: str
    address: str
    streams: int
    memory_bytes: int
    drained: Annotated[
        datetime | None, Field(description="since when its streams are moved to other nodes")
    ]


class FleetNodes(Body):
    items: list[FleetNode]


class Ask(Body):
    """A question about one stream."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"question": "What does the camera show now?"},
                {"question": "What was there 40 seconds ago?", "stream": True, "max_tokens": 32},
            ]
        },
    )

    question: str
    stream: Annotated[bool, Field(description="answer as server-sent events, word by word")] = False
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    deadline_s: Annotated[
        float | None, Field(gt=0, description="give up after this many seconds")
    ] = None


class MemoryInfo(Body):
    """The memory that an answer was made from."""

    version: int
    as_of: datetime
    age_s: Annotated[float, Field(description="age of the newest frame when the question came")]


class Evidence(Body):
    """A stretch of time in memory that the answer speaks of, and a picture of it."""

    start: datetime
    end: datetime
    image: Annotated[str | None, Field(description="path of a JPEG on this service")]


class Usage(Body):
    prompt_tokens: int
    cached_tokens: Annotated[int, Field(description="of these, reused from an earlier question")]
    completion_tokens: int


class Timings(Body):
    ttft_s: Annotated[float, Field(description="time to the first token")]
    total_s: float


class Answer(Body):
    """An answer, and what it rests on."""

    answer: str
    finish_reason: str
    memory: MemoryInfo
    evidence: list[Evidence]
    usage: Usage
    timings: Timings


class Slot(Body):
    """One consolidated stretch of memory."""

    id: int
    weight: Annotated[int, Field(description="frames merged into it")]
    start: datetime
    mean: datetime
    end: datetime
    images: list[str]


class Memory(Body):
    """What a stream's memory holds."""

    stream: str
    version: int
    as_of: datetime
    frames_seen: int
    uuid: str
    fingerprint: str
    tokens: Annotated[int, Field(description="LLM tokens it becomes")]
    slots: list[Slot]


class Readiness(Body):
    ready: bool
    not_ready: Annotated[dict[str, str], Field(description="what is not ready, and why")]


class ErrorInfo(Body):
    code: str
    message: str
    details: dict[str, Any] = {}


class Error(Body):
    """What every refused request gets."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "error": {
                        "code": "unknown_stream",
                        "message": "there is no stream 'gate-9'; …",
                        "details": {"stream": "gate-9"},
                    }
                }
            ]
        },
    )

    error: ErrorInfo
