"""Who may act in a world, and who does."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from flashstream.evals.world.names import Name
from flashstream.evals.world.pictures import Picture
from flashstream.evals.world.splits import Split, extra_pictures, pictures_of

Drawings = dict[Name, list[Picture]]


@dataclass(frozen=True, slots=True)
class Actor:
    """A name and the picture that it has in one world."""

    name: Name
    picture: Picture


class Troupe:
    """All that may act in the worlds of a split; extras: the share that `EXTRAS` have of it."""

    def __init__(self, split: Split, extras: float) -> None:
        self._names = _drawings(pictures_of(split))
        self._extras = _drawings(extra_pictures()) if extras else {}
        self._share = extras

    def cast(self, size: int, rng: np.random.Generator) -> list[Actor]:
        """That many actors of different names (fewer if there are no more), each equally likely."""
        out: list[Actor] = []
        while len(out) < min(size, len(self._names)):
            name = self._draw({actor.name for actor in out}, rng)
            drawings = (self._names | self._extras)[name]
            out.append(Actor(name, drawings[int(rng.integers(len(drawings)))]))
        return out

    def another(self, than: Collection[str], rng: np.random.Generator) -> str | None:
        """A name that is not among those, drawn as those of a cast are; None if those are all."""
        known = [name for name in (*self._names, *self._extras) if name.word in than]
        if all(name in known for name in self._names):
            return None
        return self._draw(known, rng).word

    def _draw(self, but: Collection[Name], rng: np.random.Generator) -> Name:
        those = self._extras if self._extras and rng.random() < self._share else self._names
        free = [name for name in those if name not in but]
        return free[int(rng.integers(len(free)))]


def _drawings(pictures: list[tuple[Name, Picture]]) -> Drawings:
    out: Drawings = {}
    for name, picture in pictures:
        out.setdefault(name, []).append(picture)
    return out
