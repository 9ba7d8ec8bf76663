"""Presentation times that only go forward, and the instants at which frames are wanted."""

import math
from bisect import bisect_left
from collections.abc import Iterable


class Timeline:
    """Lays a source's presentation times on one line that starts at 0 and never goes back.

    A time that falls back by more than `jitter_s`, or leaps ahead by more than `max_gap_s`,
    starts a new segment, which goes on one step after the last time: a camera that restarted, a
    clock that wrapped, a joined file. A missing time counts as one step further; one that does
    not advance stays where the last was, unless the clock stands still for good.
    """

    _PATIENCE = 5  # frames in a row without advance, before the source's clock is not believed

    def __init__(self, step_s: float, *, max_gap_s: float = 60.0, jitter_s: float = 0.1) -> None:
        """step_s: the usual time between frames, in seconds."""
        self._step = step_s
        self.max_gap_s = max_gap_s
        self._jitter = jitter_s
        self._offset: float | None = None
        self._last = 0.0
        self._last_pts = -math.inf
        self._held = 0
        self._cut = False
        self._left_out: list[float] = []
        self.segments = 0

    def cut(self) -> None:
        """The next time starts a new segment, whatever it is."""
        self._pass(None)
        self._cut = True

    def leave_out(self, times: Iterable[float]) -> None:
        """Note presentation times of frames that will not come; time goes on over them.

        Frames from before them may still come: a decoder gives them later than they came.
        """
        self._left_out += times

    def place(self, pts_s: float | None) -> float:
        """The time, in seconds since the first, of the frame that comes next."""
        self._pass(pts_s)
        return self._next(pts_s)

    def _pass(self, before_s: float | None) -> None:
        """Go over what was left out before that time; over all of it if a new segment begins."""
        if not self._left_out:
            return
        self._left_out.sort()
        count = len(self._left_out)
        if before_s is not None and not self.breaks(before_s):
            count = bisect_left(self._left_out, before_s)
        for pts_s in self._left_out[:count]:
            self._next(pts_s)
        del self._left_out[:count]

    def _next(self, pts_s: float | None) -> float:
        if self._offset is None:
            self.segments, self._cut = 1, False
            self._continue_at(0.0, pts_s)
        elif self.breaks(pts_s):
            self.segments += 1
            self._cut = False
            self._continue_at(self._last + self._step, pts_s)
        elif pts_s is None or self._last_pts == -math.inf:
            self._continue_at(self._last + self._step, pts_s)
        elif pts_s > self._last_pts:
            self._held = 0
            self._last_pts = pts_s
            self._last = max(self._last, pts_s + self._offset)
        else:
            self._held += 1
            if self._held > self._PATIENCE:
                self._continue_at(self._last + self._step, pts_s)
        return self._last

    def breaks(self, pts_s: float | None) -> bool:
        """Whether a frame of that time, coming next, starts a new segment."""
        if self._cut:
            return True
        if pts_s is None or self._last_pts == -math.inf:
            return False
        ahead = pts_s - self._last_pts
        return ahead < -self._jitter or ahead > self.max_gap_s

    def foresee(self, pts_s: float) -> float:
        """Where a time of the present segment lies; changes nothing."""
        return pts_s + (self._offset or 0.0)

    def _continue_at(self, time_s: float, pts_s: float | None) -> None:
        self._last = time_s
        if pts_s is not None:
            self._offset, self._last_pts = time_s - pts_s, pts_s
        elif self._offset is None:
            self._offset = 0.0


class Sampler:
    """Which frames to take: the first at or after each of the instants 0, 1/fps, 2/fps, …

    Frames further apart than 1/fps are all taken, once each. A damaged one is passed over, unless
    none that is sound comes within 1/fps.
    """

    def __init__(self, fps: float, *, tolerance_s: float = 0.0) -> None:
        """tolerance_s: how much earlier than its instant a frame may be (the clock's tick)."""
        self._fps = fps
        self._tolerance = tolerance_s
        self.due_s = 0.0

    def takes(self, time_s: float, *, damaged: bool = False) -> bool:
        """Whether the frame at that time is wanted; if so, the next instant is waited for."""
        patience = 1 / self._fps if damaged else 0.0
        if time_s + self._tolerance < self.due_s + patience:
            return False
        # A millionth of a step: k/fps·fps may come out a hair under k.
        passed = math.floor((time_s + self._tolerance) * self._fps + 1e-6)
        self.due_s = (passed + 1) / self._fps
        return True
