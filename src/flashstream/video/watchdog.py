"""Tells a camera that shows something new from one that hangs although frames arrive."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.uint8]

# Brightness levels (of 256) by which a codec may show one and the same picture differently. The
# noise of a sensor goes beyond it at some of the points within seconds, even through H.264.
_CODEC_NOISE = 3
_POINTS = 8192
_COARSE = 512
_MOST_PICTURES = 64
_MOST_COMPARED = 8
# Pictures that differ by more than this show different things; else it is a codec's pulse.
_MEAN_CHANGE = 6.0
_POINT_CHANGE = 32
_SHARE_CHANGED = 0.002


class PictureState(StrEnum):
    OK = "ok"
    FROZEN = "frozen"
    REPEATING = "repeating"


@dataclass(slots=True)
class _Seen:
    points: Points
    last_s: float


class PictureWatchdog:
    """Looks at each sampled frame; says whether the pictures are stale, and why.

    A picture is new if no picture of the last `stale_after_s` looked the same to the last point,
    up to a codec's rounding. A real camera's noise makes every picture new, however still its
    scene. Without a new one for `stale_after_s` the pictures are stale: frozen (all the same), or
    repeating (the loop of a stuck recorder or encoder; at most 64 different pictures are
    remembered, so a longer loop is not recognised).

    Points of the frame are compared, not averages, which would hide the noise and a clock's
    digits: about 8,000 bytes a remembered picture, 0.5 MB at most. One thread feeds it; `state`,
    `stale` and `reason` may be asked from any. Equal frames at equal times give equal verdicts.
    """

    def __init__(self, stale_after_s: float) -> None:
        """stale_after_s: seconds without a new picture that are borne; 0 switches it off."""
        if not stale_after_s >= 0 or math.isinf(stale_after_s):
            raise ValueError(f"stale_after_s is 0 or more seconds, not {stale_after_s}")
        self._after = stale_after_s
        self._shape: tuple[int, ...] = ()
        self._seen: list[_Seen] = []  # by the time last seen
        self._last_s = -math.inf
        self._new_s = -math.inf
        self._still_s = 0.0
        self._verdict = (PictureState.OK, "")

    def see(self, rgb: NDArray[np.uint8], wall_s: float) -> None:
        """Note a frame, uint8[H, W, 3], taken at `wall_s` (Unix seconds)."""
        if not self._after:
            return
        if rgb.shape != self._shape:
            self._shape, self._seen = rgb.shape, []
        gap, self._last_s = max(0.0, wall_s - self._last_s), wall_s
        points = _points(rgb)
        self._forget(wall_s - self._after)
        if self._recognises(points, wall_s):
            # A pause in which no frame came says little: at least four frames must agree.
            self._still_s += min(gap, self._after / 4)
            if self._still_s >= self._after and not self.stale:
                self._verdict = self._judged()
        else:
            self._still_s, self._new_s = 0.0, wall_s
            self._verdict = (PictureState.OK, "")

    def state(self) -> PictureState:
        """What the frames up to now show."""
        return self._verdict[0]

    @property
    def stale(self) -> bool:
        """Whether nothing new is shown, though frames arrive."""
        return self._verdict[0] is not PictureState.OK

    @property
    def reason(self) -> str:
        """Why the pictures are stale, for people; empty while they are not."""
        return self._verdict[1]

    def _forget(self, before_s: float) -> None:
        """Drop pictures not seen since then, but never the newest, and keep a bounded number."""
        keep = [old for old in self._seen[:-1] if old.last_s >= before_s] + self._seen[-1:]
        self._seen = keep[-_MOST_PICTURES:]

    def _recognises(self, points: Points, wall_s: float) -> bool:
        """Whether the picture was seen before; remembers it."""
        at = self._find(points)
        # The remembered points stay those first seen, so that slow changes add up.
        seen = _Seen(points, wall_s) if at is None else self._seen.pop(at)
        seen.last_s = wall_s
        self._seen.append(seen)
        return at is not None

    def _find(self, points: Points) -> int | None:
        if not self._seen:
            return None
        if _same(points, self._seen[-1].points):
            return len(self._seen) - 1
        few = np.stack([_coarse(old.points) for old in self._seen])
        far = _distance(few, _coarse(points)).max(axis=1)
        near = [int(i) for i in np.argsort(far, kind="stable") if far[i] <= _CODEC_NOISE]
        return next((i for i in near[:_MOST_COMPARED] if _same(points, self._seen[i].points)), None)

    def _judged(self) -> tuple[PictureState, str]:
        since = datetime.fromtimestamp(self._new_s, UTC).isoformat(timespec="seconds")
        shown = [old.points for old in self._seen if old.last_s > self._new_s]
        if _differ(shown):
            return PictureState.REPEATING, (
                f"the same few pictures have been coming again and again since {since}; "
                "the camera, its recorder or its encoder hangs"
            )
        return PictureState.FROZEN, (
            f"the picture has not changed since {since}, although frames arrive; "
            "the camera or its encoder hangs"
        )


def _points(rgb: NDArray[np.uint8]) -> Points:
    """Evenly spaced points of the green plane, which is nearest to brightness."""
    step = max(1, math.ceil(math.sqrt(rgb.shape[0] * rgb.shape[1] / _POINTS)))
    return np.ascontiguousarray(rgb[::step, ::step, 1]).reshape(-1)


def _coarse(points: Points) -> Points:
    return points[:: max(1, len(points) // _COARSE)]


def _distance(one: Points, other: Points) -> Points:
    difference: Points = np.maximum(one, other) - np.minimum(one, other)
    return difference


def _same(one: Points, other: Points) -> bool:
    return int(_distance(one, other).max()) <= _CODEC_NOISE


def _differ(pictures: Sequence[Points]) -> bool:
    """Whether these show different things, not one thing at a codec's changing quality."""
    for picture in pictures[1:]:
        distance = _distance(picture, pictures[0])
        if distance.mean() > _MEAN_CHANGE or (distance > _POINT_CHANGE).mean() > _SHARE_CHANGED:
            return True
    return False
