"""A fixed camera's day, made up: what changes slowly, what comes back, noise, and one event.

All lengths are of a patch's feature vector, in units of the frame-to-frame noise: the root mean
square of ‖f(t+1) − f(t)‖ of a patch in which nothing happens, √(2·D)·σ for noise σ in each of D
channels. Frames come at 1 a second.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import SettingError

_SHORTEST = 600  # frames: a day of which the event is still a small part
_OWN = 0.5  # of a patch's direction is its own, where all patches move
_AT_ONCE = 1000  # frames made together


@dataclass(frozen=True, slots=True)
class Haystack:
    """What the camera sees.

    frames: length of the day. grid, channels: G and D of the features.
    light: how far noon is from dawn, in every patch; the day is half a sine wave.
    walks: random walks (Ornstein-Uhlenbeck) of the whole picture, each in a direction of its own;
    walk: their root mean square; walk_s: seconds until they have forgotten where they were.
    scenes: things that come back, each a block of scene_side² patches displaced by `scene`, there
    for visit_s and away for gap_s on average.
    event_frames, event_side: the event's length and the side of its block of patches; all of
    these patches are displaced by the same vector.
    """

    frames: int = 36_000
    grid: int = 8
    channels: int = 8
    light: float = 6.0
    walks: int = 4
    walk: float = 1.0
    walk_s: float = 1200.0
    scenes: int = 3
    scene: float = 4.0
    scene_side: int = 3
    visit_s: float = 300.0
    gap_s: float = 3600.0
    event_frames: int = 5
    event_side: int = 2

    def check(self) -> None:
        """Raise SettingError for a day that the event does not fit in."""
        if self.frames < _SHORTEST:
            raise SettingError(f"frames = {self.frames}; at least {_SHORTEST} are taken")


class NeedleStream:
    """One day of a camera; equal seeds give equal days.

    place: in (0, 1), where in the middle nine tenths of the day the event begins.
    needle: float32[G, G, D], the event's displacement at strength 1.
    modes: float32[M, G, G, D], all that the background is made of besides `still` and noise.
    event: first frame of the event, and the frame after its last, both counted from 0.

    Raises SettingError for fewer than 600 frames.
    """

    def __init__(self, hay: Haystack, seed: int, place: float) -> None:
        hay.check()
        self.hay, self.seed = hay, seed
        self.noise = 1 / np.sqrt(2 * hay.channels)  # σ that makes the unit 1
        dice = np.random.default_rng([seed, 0])
        shape = (hay.grid, hay.grid, hay.channels)
        self.still = dice.normal(0, 1.0, shape).astype(np.float32)
        everywhere = [_everywhere(shape, dice) for _ in range(1 + hay.walks)]
        scenes = [
            _block(_unit(dice.normal(size=shape)), hay.scene_side, dice) for _ in range(hay.scenes)
        ]
        self.modes = np.stack(everywhere + scenes).astype(np.float32)
        self._course = np.stack(
            [_daylight(hay)]
            + [_walk(hay, dice) for _ in range(hay.walks)]
            + [_visits(hay, dice) for _ in range(hay.scenes)],
            axis=1,
        ).astype(np.float32)
        same = np.broadcast_to(dice.normal(size=hay.channels), shape)
        self.needle = _block(_unit(same), hay.event_side, dice).astype(np.float32)
        start = int(hay.frames * (0.05 + 0.9 * place))
        self.event = (start, start + hay.event_frames)

    def background(self, start: int, stop: int) -> NDArray[np.float32]:
        """float32[stop − start, G, G, D]: frames without noise and without the event."""
        course = self._course[start:stop]
        flat = course @ self.modes.reshape(len(self.modes), -1)
        return flat.reshape(len(course), *self.still.shape) + self.still

    def day(self) -> NDArray[np.float16]:
        """All frames with noise, without the event: float16[frames, G, G, D]."""
        dice = np.random.default_rng([self.seed, 1])
        day = np.empty((self.hay.frames, *self.still.shape), np.float16)
        for start in range(0, len(day), _AT_ONCE):
            frames = self.background(start, start + _AT_ONCE)
            frames += np.float32(self.noise) * dice.standard_normal(frames.shape, np.float32)
            day[start : start + len(frames)] = frames
        return day

    def with_event(self, day: NDArray[np.float16], strength: float) -> NDArray[np.float16]:
        """The event's frames, float16[event_frames, G, G, D], in which it has that strength."""
        seen = day[slice(*self.event)].astype(np.float32)
        seen += np.float32(strength) * self.needle
        return seen.astype(np.float16)


def _everywhere(shape: tuple[int, int, int], dice: np.random.Generator) -> NDArray[np.float64]:
    """What moves all patches in nearly the same direction, as light does."""
    common = _unit(dice.normal(size=(1, 1, shape[-1])))
    return _unit(common + _OWN * _unit(dice.normal(size=shape)))


def _unit(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every patch of length 1."""
    scaled: NDArray[np.float64] = field / np.linalg.norm(field, axis=-1, keepdims=True)
    return scaled


def _block(field: NDArray[np.float64], side: int, dice: np.random.Generator) -> NDArray[np.float64]:
    """Nothing but side² patches somewhere."""
    top, left = dice.integers(len(field) - side + 1, size=2)
    cut = np.zeros_like(field)
    place = np.s_[top : top + side, left : left + side]
    cut[place] = field[place]
    return cut


def _daylight(hay: Haystack) -> NDArray[np.float64]:
    return hay.light * np.sin(np.pi * np.arange(hay.frames) / hay.frames)


def _walk(hay: Haystack, dice: np.random.Generator) -> NDArray[np.float64]:
    keep = np.exp(-1 / hay.walk_s)
    steps = dice.normal(0, hay.walk * np.sqrt(1 - keep**2), hay.frames)
    steps[0] = dice.normal(0, hay.walk)
    for t in range(1, hay.frames):
        steps[t] += keep * steps[t - 1]
    return steps


def _visits(hay: Haystack, dice: np.random.Generator) -> NDArray[np.float64]:
    there = np.zeros(hay.frames)
    at = dice.exponential(hay.gap_s)
    while at < hay.frames:
        leaves = at + dice.exponential(hay.visit_s)
        there[int(at) : int(leaves) + 1] = hay.scene
        at = leaves + dice.exponential(hay.gap_s)
    return there
