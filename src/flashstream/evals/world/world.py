"""A world: its spec, its truth, and its frames, each rendered when it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.backgrounds import background
from flashstream.evals.world.cast import Troupe
from flashstream.evals.world.compose import put
from flashstream.evals.world.light import Daylight
from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.schedule import Planner, Stage, usual_visits
from flashstream.evals.world.sensor import MARGIN, RGB, Sensor
from flashstream.evals.world.splits import Split, generator, split_named
from flashstream.evals.world.timeline import Timeline, Visit

LONGEST_S: Final = 86400.0
FIRST_DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
_KEPT_SPRITES: Final = 64


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """All that a world is made from; equal specs make equal worlds, to the bit.

    length_s: 20 seconds to 24 hours. fps: frames a second. size: width and height in pixels.
    visits: how many times someone comes, by default `usual_visits`. sizes: of actors, shares of
    the picture's height. start_hour: of the day, by default drawn. noise, shake, quality: see
    `Sensor`. extras: how much of the cast of a train world is of `names.EXTRAS`, 0 to 0.9.
    """

    split: Split
    seed: int
    length_s: float = 600.0
    fps: float = 1.0
    size: tuple[int, int] = (320, 240)
    visits: int | None = None
    sizes: tuple[float, float] = (0.6, 0.85)
    start_hour: float | None = None
    noise: float = 4.0
    shake: float = 0.7
    quality: int | None = 70
    extras: float = 0.0

    def __post_init__(self) -> None:
        split_named(self.split)
        if self.seed < 0:
            raise InvalidRequestError(f"a seed is 0 or more, not {self.seed}")
        if not 20 <= self.length_s <= LONGEST_S:
            raise InvalidRequestError(
                f"a world lasts 20 seconds to 24 hours, not {self.length_s:g} s"
            )
        if not 0.2 <= self.fps <= 30:
            raise InvalidRequestError(f"a world has 0.2 to 30 frames a second, not {self.fps:g}")
        if min(self.size) < 64 or max(self.size) > 1920 or any(side % 2 for side in self.size):
            raise InvalidRequestError(
                f"a side of the picture is an even number from 64 to 1920, not {self.size}"
            )
        if not 0.1 <= self.sizes[0] <= self.sizes[1] <= 0.9:
            raise InvalidRequestError(f"sizes rise, from 0.1 to 0.9 at most, not {self.sizes}")
        if not 0 <= self.extras <= 0.9 or (self.extras and self.split != "train"):
            raise InvalidRequestError(
                f"extras have a share of 0 to 0.9 in train worlds and none in others, "
                f"not {self.extras:g} in {self.split}"
            )
        if self.visits is not None and self.visits < 1:
            raise InvalidRequestError(f"someone comes at least once, not {self.visits} times")


class World:
    """A camera stream of which all is known. Not for use by several threads at once."""

    def __init__(self, spec: WorldSpec, book: PictureBook | None = None) -> None:
        """book: pictures that several worlds share, so that each is drawn once."""
        self.spec = spec
        self._book = book or PictureBook()
        self._sprites: dict[int, NDArray[np.float32]] = {}

    def __len__(self) -> int:
        """Number of frames."""
        return int(self.spec.length_s * self.spec.fps)

    @cached_property
    def troupe(self) -> Troupe:
        """All that might have come, as likely as those who do."""
        return Troupe(self.spec.split, self.spec.extras)

    @cached_property
    def timeline(self) -> Timeline:
        """Raises `MissingPackageError`, or `InvalidRequestError` if the visits do not fit."""
        spec, rng = self.spec, generator(self.spec.split, self.spec.seed, "plan")
        visits = usual_visits(spec.length_s) if spec.visits is None else spec.visits
        cast = self.troupe.cast(max(2, round(0.6 * visits)), rng)
        stage = Stage(spec.size[0] / spec.size[1], spec.sizes, spec.fps, len(self) / spec.fps)
        return Planner(stage, cast, self._book, rng).timeline(visits)

    @cached_property
    def start(self) -> datetime:
        """The wall time of frame 0 (UTC)."""
        rng = generator(self.spec.split, self.spec.seed, "light")
        hour = self.spec.start_hour
        drawn = float(rng.uniform(0, 24))
        day = FIRST_DAY.timestamp() + 86400 * int(rng.integers(365))
        at = day + 3600 * (drawn if hour is None else hour)
        return datetime.fromtimestamp(round(at), UTC)

    def time_of(self, number: int) -> float:
        """Seconds from the start to a frame; raises `InvalidRequestError` if there is none."""
        if not 0 <= number < len(self):
            raise InvalidRequestError(f"there is no frame {number}; there are 0 to {len(self) - 1}")
        return number / self.spec.fps

    def frame(self, number: int) -> RGB:
        """uint8[H, W, 3], in time that does not depend on `number` nor on what was asked before."""
        time_s = self.time_of(number)
        width, height = self.spec.size
        x, y = self._sensor.offset(number)
        scene = self._background[
            MARGIN + y : MARGIN + y + height, MARGIN + x : MARGIN + x + width
        ].copy()
        for visit in self.timeline.visits:
            if visit.path.enter_s < time_s < visit.path.leave_s:
                self._show(visit, time_s, (x, y), scene)
        scene *= self._light.gain(time_s)
        return self._sensor.expose(scene, number)

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[RGB]:
        """Frames `start` to `stop` (exclusive), one after another."""
        for number in range(start, len(self) if stop is None else min(stop, len(self)), step):
            yield self.frame(number)

    def share(self, visit: Visit, number: int) -> float:
        """How much of a visit's actor is inside a frame, 0 to 1, by its width."""
        return float(visit.path.share_at(self.time_of(number)))

    def _show(
        self, visit: Visit, time_s: float, offset: tuple[int, int], scene: NDArray[np.float32]
    ) -> None:
        sprite = self._sprite(visit)
        high, wide = sprite.shape[:2]
        height, width = scene.shape[:2]
        left = round(float(visit.path.x_at(time_s)) * width - wide / 2) - offset[0]
        put(sprite, scene, left, round(visit.path.y * height - high / 2) - offset[1])

    def _sprite(self, visit: Visit) -> NDArray[np.float32]:
        if visit.number not in self._sprites:
            while len(self._sprites) >= _KEPT_SPRITES:
                self._sprites.pop(next(iter(self._sprites)))
            side = round(visit.size * self.spec.size[1])
            self._sprites[visit.number] = self._book.sprite(visit.picture, side, visit.mirrored)
        return self._sprites[visit.number]

    @cached_property
    def _background(self) -> NDArray[np.float32]:
        width, height = self.spec.size
        rng = generator(self.spec.split, self.spec.seed, "stage")
        return background(self.spec.split, (width + 2 * MARGIN, height + 2 * MARGIN), rng)

    @cached_property
    def _light(self) -> Daylight:
        start = self.start
        hour = start.hour + start.minute / 60 + start.second / 3600
        rng = generator(self.spec.split, self.spec.seed, "light")
        rng.random(2)  # the draws of `start`
        return Daylight(hour, rng)

    @cached_property
    def _sensor(self) -> Sensor:
        spec = self.spec
        seed = int(generator(spec.split, spec.seed, "sensor").integers(2**62))
        return Sensor(seed, spec.size, spec.noise, spec.shake, spec.quality)
