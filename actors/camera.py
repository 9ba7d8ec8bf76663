"""The camera's side of a stream: opened, read, opened again, closed while the stream is paused."""

import threading
from collections.abc import Callable

from flashstream.actors.backoff import pause_s
from flashstream.actors.health import StreamHealth
from flashstream.actors.spec import StreamSpec, StreamState
from flashstream.errors import FlashstreamError
from flashstream.telemetry import FRAMES_DECODED, RECONNECTS, Telemetry
from flashstream.video.frame import Frame
from flashstream.video.source import VideoSource

Deliver = Callable[[Frame, bool], None]
"""Takes a sampled frame; True: a file's, which waits for room where a camera's would be dropped."""


class Camera:
    """Reads one stream's source in the thread that calls `run`, for ever; all else may be called
    from any thread.

    judge: why a picture tells nothing (a frozen one, say), or None; while it gives a reason the
    stream is stale.
    """

    def __init__(
        self,
        spec: StreamSpec,
        health: StreamHealth,
        telemetry: Telemetry,
        *,
        open_source: Callable[[StreamSpec], VideoSource],
        deliver: Deliver,
        judge: Callable[[Frame], str | None],
        reconnect_max_s: float,
    ) -> None:
        self._health = health
        self._telemetry = telemetry
        self._open_source = open_source
        self._deliver = deliver
        self._judge = judge
        self._reconnect_max_s = reconnect_max_s
        self._changed = threading.Condition()  # guards all below, and tells of changes
        self._spec = spec
        # Another object at each change that the source must be opened anew for, so that one which
        # is paused and resumed while it is read is opened again, too.
        self._source_spec = spec
        self._source: VideoSource | None = None
        self._ending = False
        self._frames_came = False  # from the source that is open now

    @property
    def spec(self) -> StreamSpec:
        """What is wanted now."""
        return self._spec

    def apply(self, spec: StreamSpec) -> bool:
        """Go on by another spec; one that is not newer is ignored (False). The source is closed or
        opened again only if the spec asks for it."""
        with self._changed:
            if spec.generation <= self._spec.generation:
                return False
            same = spec.same_source(self._spec)
            self._spec = spec
            if same:
                return True
            self._source_spec = spec
        if spec.paused:
            self._tell_paused()
        self._wake()
        return True

    def end(self) -> None:
        """Close the source; `run` returns."""
        with self._changed:
            self._ending = True
        self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            source = self._source
        if source is not None:
            source.close()

    def run(self) -> None:
        """Read until `end`."""
        attempt = 0
        while (spec := self._next_spec()) is not None:
            self._frames_came = False
            reason = ""
            try:
                self._read(spec)
            except FlashstreamError as failure:
                reason = failure.message
            if self._moved_on(spec):
                attempt = 0
            elif reason:
                attempt = 1 if self._frames_came else attempt + 1
                self._telemetry.add(RECONNECTS)
                self._health.become(StreamState.RECONNECTING, reason)
                self._await_change(spec, pause_s(attempt, self._reconnect_max_s))
            else:
                # A live source never just ends; it raises.
                self._health.become(StreamState.ENDED, "the file was seen to its end")
                self._await_change(spec)

    def _next_spec(self) -> StreamSpec | None:
        """What to open next, once the stream is not paused; None when it is to end."""
        with self._changed:
            if self._spec.paused:
                self._tell_paused()
                self._changed.wait_for(lambda: self._ending or not self._spec.paused)
                self._health.become(StreamState.CONNECTING, "opening the source")
            return None if self._ending else self._source_spec

    def _tell_paused(self) -> None:
        self._health.become(StreamState.PAUSED, "paused; its memory answers")

    def _moved_on(self, spec: StreamSpec) -> bool:
        """Whether a source that was opened by that spec is to be read no more."""
        return self._ending or self._source_spec is not spec

    def _await_change(self, spec: StreamSpec, timeout_s: float | None = None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._moved_on(spec), timeout_s)

    def _read(self, spec: StreamSpec) -> None:
        with self._open_source(spec) as source:
            with self._changed:
                if self._moved_on(spec):
                    return
                self._source = source
            try:
                for frame in source.frames():
                    if self._moved_on(spec):
                        return
                    self._frames_came = True
                    self._telemetry.add(FRAMES_DECODED)
                    self._health.frame(self._judge(frame))
                    self._deliver(frame, not (spec.live or source.url.rtsp))
                    self._health.frame_taken()
            finally:
                self._source = None
