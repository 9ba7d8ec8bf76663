"""When, by our own clock, a picture was taken, and how far reading is behind."""

from typing import Protocol


class WallClock(Protocol):
    """Maps presentation times to Unix time; both in seconds."""

    def anchor(self) -> None:
        """The next frame belongs to a new segment."""
        ...

    def lag(self, time_s: float, now: float) -> float:
        """Note that the frame of `time_s` is here `now`; by how many seconds it is late (≥ 0)."""
        ...

    def wall(self, time_s: float) -> float:
        """When the frame of `time_s` was taken; ask after `lag` of it. Never decreases."""
        ...

    def early(self, time_s: float, now: float) -> float:
        """Seconds to wait before the frame may be shown."""
        ...


class FileClock:
    """A file that is taken to begin when its first frame is read.

    paced: it is shown at `speed`, so a frame may be late; otherwise there is no hurry.
    """

    def __init__(self, *, paced: bool, speed: float = 1.0) -> None:
        self._paced = paced
        self._speed = speed if paced else 1.0
        self._start: float | None = None

    def anchor(self) -> None: ...

    def lag(self, time_s: float, now: float) -> float:
        if self._start is None:
            self._start = now - time_s / self._speed
        return max(0.0, now - self.wall(time_s)) if self._paced else 0.0

    def wall(self, time_s: float) -> float:
        return (self._start or 0.0) + time_s / self._speed

    def early(self, time_s: float, now: float) -> float:
        return max(0.0, self.wall(time_s) - now) if self._paced else 0.0


class LiveClock:
    """Maps presentation times of a live source to Unix time.

    The way to us only ever adds delay, so the frame that came earliest against its presentation
    time tells best how the two clocks stand: all others are placed by that one, and jitter of
    the network does not show. A picture is never placed later than now. If every frame for
    `patience_s` is more than `max_drift_s` late, the source's clock runs slower than ours (or the
    way has become longer for good), and the clock is anchored anew. Times never decrease.
    """

    def __init__(self, *, max_drift_s: float = 1.0, patience_s: float = 10.0) -> None:
        self._max_drift = max_drift_s
        self._patience = patience_s
        self._offset: float | None = None
        self._last = float("-inf")
        self._late_since: float | None = None
        self._least_lag = 0.0

    def anchor(self) -> None:
        self._offset = None

    def lag(self, time_s: float, now: float) -> float:
        if self._offset is None or now - time_s < self._offset:
            self._offset = now - time_s
            self._late_since = None
            return 0.0
        lag = now - time_s - self._offset
        if lag <= self._max_drift:
            self._late_since = None
        elif self._late_since is None:
            self._late_since, self._least_lag = now, lag
        else:
            self._least_lag = min(self._least_lag, lag)
            if now - self._late_since > self._patience:
                self._offset += self._least_lag
                self._late_since = None
                return lag - self._least_lag
        return lag

    def wall(self, time_s: float) -> float:
        self._last = max(self._last, time_s + (self._offset or 0.0))
        return self._last

    def early(self, time_s: float, now: float) -> float:
        return 0.0


class CatchUp:
    """Decides when to leave pictures out to get back to the present.

    Decoding must go on from a key frame, so that is where leaving out ends.
    """

    def __init__(self, *, max_lag_s: float = 2.0, patience_s: float = 3.0) -> None:
        """Lag above `max_lag_s` is borne for `patience_s` (a burst after a stall passes)."""
        self._max_lag = max_lag_s
        self._patience = patience_s
        self._since: float | None = None
        self.skipping = False

    def note(self, lag_s: float, now: float) -> None:
        """The newest lag."""
        if lag_s <= self._max_lag:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since > self._patience:
            self.skipping = True

    def resumes(self, lag_s: float, key: bool) -> bool:
        """While skipping: whether to decode again from this packet."""
        if key and lag_s <= self._max_lag / 2:
            self.skipping, self._since = False, None
        return not self.skipping
