"""Long streams to learn from, put together of frames of train worlds.

The plan is a world's own (`evals.world`): who comes when, for as long as it is to be. A frame is an
empty one of some train world, plus, of each actor that is there, what it changed in a frame of a
world where it was seen. So a day of any background and any actors costs no rendering.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.cast import Actor
from flashstream.evals.world.names import NAMES
from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.schedule import Planner, Stage, usual_visits
from flashstream.evals.world.timeline import Timeline, Visit
from flashstream.evals.world.world import World, WorldSpec
from flashstream.models.demo.bank import Bank
from flashstream.models.demo.pack import GRID

Features = NDArray[np.float32]

FRAMES = 420
_SHORTEST_S = 40.0
LONGEST_S = 86_000.0
_WOBBLE = 0.06  # of the background's own texture, from frame to frame
_DUSK = 0.35  # how much of another hour's light there is at most


class Wardrobe:
    """The actors of a bank, each with the frames it was seen in alone."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.book = PictureBook()
        known = {name.word: name for name in NAMES}
        self._frames: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for frame, seen in enumerate(bank.sightings):
            if len(seen) == 1 and seen[0].name in known:
                self._frames[seen[0].picture].append((seen[0].share, frame))
        self._frames = {
            picture: sorted(frames)
            for picture, frames in self._frames.items()
            if frames and max(frames)[0] > 0.95
        }

    def wears(self, picture: str) -> bool:
        """Whether there are frames of a picture."""
        return picture in self._frames

    def frames_of(self, picture: str) -> list[tuple[float, int]]:
        """(share of it in the picture, frame) of each frame of a picture, the least first."""
        return self._frames[picture]


class StoryWorld(World):
    """A world whose actors are all in a wardrobe, and whose frames are put together of it."""

    def __init__(self, wardrobe: Wardrobe, seed: int, longest_s: float = LONGEST_S) -> None:
        rng = np.random.default_rng([seed, 1])
        length = exp(rng.uniform(log(_SHORTEST_S), log(longest_s)))
        fps = float(np.clip(FRAMES / length, 0.2, 1.0))
        super().__init__(
            WorldSpec("train", seed, length_s=length, fps=fps, extras=0.0), wardrobe.book
        )
        self._wardrobe, self._rng = wardrobe, rng
        empties = wardrobe.bank.empties
        worlds = sorted(empties)
        own, other = (worlds[int(k)] for k in rng.integers(len(worlds), size=2))
        self._empty = wardrobe.bank.features[empties[own]].astype(np.float32)
        elsewhere = wardrobe.bank.background(other).reshape(GRID, GRID, -1)
        self._dusk = (elsewhere - self._empty.mean(0)) * np.float32(_DUSK * rng.random() ** 2)
        self._phase = float(rng.uniform(0, 2 * np.pi))
        self._poses: dict[int, list[tuple[float, int]]] = {}

    @cached_property
    def timeline(self) -> Timeline:
        """As a world's, of actors that the wardrobe has."""
        spec, rng = self.spec, np.random.default_rng([self.spec.seed, 2])
        visits = usual_visits(spec.length_s)
        wanted = max(2, round(0.6 * visits))
        cast: list[Actor] = []
        for actor in self.troupe.cast(len(NAMES), rng):
            if self._wardrobe.wears(actor.picture.id):
                cast.append(actor)
        stage = Stage(spec.size[0] / spec.size[1], spec.sizes, spec.fps, len(self) / spec.fps)
        return Planner(stage, cast[:wanted], self._book, rng).timeline(visits)

    def features(self, number: int) -> NDArray[np.float16]:
        """float16[GRID, GRID, D] of a frame; frames have to be asked for in order."""
        rng, time_s = self._rng, self.time_of(number)
        mix = rng.dirichlet(np.full(len(self._empty), 0.5)).astype(np.float32)
        out: Features = np.tensordot(mix, self._empty, 1)
        turn = 2 * np.pi * time_s / 86400 + self._phase
        out += self._dusk * np.float32(0.5 + 0.5 * np.sin(turn))
        for visit in self.timeline.visits:
            if visit.path.enter_s < time_s < visit.path.leave_s:
                out += self._worn(visit, time_s)
        out *= np.float32(rng.uniform(1 - _WOBBLE, 1 + _WOBBLE))
        return out.astype(np.float16)

    def _worn(self, visit: Visit, time_s: float) -> Features:
        """What an actor changes: of its frames, one or two of about that share of it, mixed."""
        share = float(visit.path.share_at(time_s))
        frames = self._poses.setdefault(visit.number, self._some(visit))
        near = sorted(frames, key=lambda each: abs(each[0] - share))[:2]
        bank = self._wardrobe.bank
        seen, frame = near[0]
        change = bank.difference(frame) * np.float32(min(1.0, share / max(seen, 0.3)))
        if len(near) > 1 and near[1][0] > 0.95 and seen > 0.95:
            along = float(visit.path.x_at(time_s)) % 1.0
            change = (1 - along) * change + along * bank.difference(near[1][1])
        return change.reshape(GRID, GRID, -1).astype(np.float32)

    def _some(self, visit: Visit) -> list[tuple[float, int]]:
        """The poses of one visit: a few whole ones, and all partial ones."""
        frames = self._wardrobe.frames_of(visit.picture.id)
        whole = [each for each in frames if each[0] > 0.95]
        chosen: Sequence[int] = self._rng.permutation(len(whole))[:2].tolist()
        return [each for each in frames if each[0] <= 0.95] + [whole[k] for k in chosen]
