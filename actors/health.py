"""How a stream is, told from what its threads meet: one state, since when, and why."""

import threading
import time
from collections.abc import Callable

import structlog

from flashstream.actors.spec import StreamState

_FRAMES_ARRIVE = "frames arrive"


class StreamHealth:
    """The state of one stream. Thread-safe.

    Two things make it: the camera (all states but DEGRADED), and whether the store takes what was
    seen. A live stream that the store has not taken for `degraded_after_s` is told as DEGRADED;
    other states of the camera are told as they are. A live stream without a new frame for
    `stale_after_s` becomes STALE. FAILED stays.

    clock: seconds that never go back.
    """

    def __init__(
        self,
        stream: str,
        *,
        stale_after_s: float,
        degraded_after_s: float,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.stale_after_s = stale_after_s
        self._degraded_after_s = degraded_after_s
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._log = structlog.get_logger().bind(stream=stream)
        self._camera = (StreamState.CONNECTING, wall(), "opening the memory")
        self._degraded: tuple[StreamState, float, str] | None = None
        self._refused_s: float | None = None  # since when the store has taken nothing
        self._frame_s = clock()
        self._offering = False

    def become(self, state: StreamState, reason: str) -> None:
        """The camera is in that state from now on."""
        with self._lock:
            self._become(state, reason)

    def _become(self, state: StreamState, reason: str) -> None:
        before, _, why = self._camera
        # After a failure the other thread may still be at its last frame.
        if before is not StreamState.FAILED and (state, reason) != (before, why):
            self._camera = (state, self._wall(), reason)
            self._log.info("state", state=state.value, reason=reason)

    def frame(self, verdict: str | None = None) -> None:
        """A frame has come. verdict: why its picture tells nothing, although it came."""
        with self._lock:
            self._frame_s = self._clock()
            self._offering = True
            if verdict is None:
                self._become(StreamState.LIVE, _FRAMES_ARRIVE)
            else:
                self._become(StreamState.STALE, verdict)

    def frame_taken(self) -> None:
        """That frame waits for nobody any more: from now on it is the camera's turn."""
        with self._lock:
            self._frame_s = self._clock()
            self._offering = False

    def refused(self, why: str) -> None:
        """The store did not take a commit."""
        with self._lock:
            if self._refused_s is None:
                self._refused_s = self._clock()
            away_s = self._clock() - self._refused_s
            if away_s >= self._degraded_after_s:
                if self._degraded is None:
                    self._log.warning("state", state="degraded", reason=why)
                since_s = self._degraded[1] if self._degraded else self._wall()
                reason = f"the store has taken nothing for {away_s:.0f} s: {why}"
                self._degraded = (StreamState.DEGRADED, since_s, reason)

    def taken(self) -> None:
        """The store has all that was seen up to now."""
        with self._lock:
            self._refused_s = self._degraded = None

    def now(self) -> tuple[StreamState, float, str]:
        """The state, the Unix second since when, and why."""
        with self._lock:
            quiet_s = self._clock() - self._frame_s
            if (
                self._camera[0] is StreamState.LIVE
                and not self._offering
                and quiet_s > self.stale_after_s
            ):
                self._become(
                    StreamState.STALE,
                    f"connected, but no new frame for more than {self.stale_after_s:g} s",
                )
            if self._camera[0] is StreamState.LIVE and self._degraded is not None:
                return self._degraded
            return self._camera
