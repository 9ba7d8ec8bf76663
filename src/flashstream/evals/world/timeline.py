"""What is true of a world: who came, when, and what they did.

A visit counts from its first to its last frame with at least half of the actor in the picture.
Frames are numbered from 0; frame n is of the moment n / fps. All questions about a moment are
answered from what was seen up to it, that frame included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flashstream.evals.world.paths import Path
from flashstream.evals.world.pictures import Picture

SEEN_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay of one actor. size: its longer side, in shares of the picture's height."""

    number: int
    picture: Picture
    group: str
    path: Path
    size: float
    mirrored: bool
    first_s: float
    last_s: float

    @property
    def name(self) -> str:
        return self.picture.name

    def seen_at(self, time_s: float) -> bool:
        return self.first_s <= time_s <= self.last_s

    def facts(self) -> dict[str, Any]:
        """For JSON: times in seconds since the world's start, to the frame."""
        return {
            "number": self.number,
            "name": self.name,
            "group": self.group,
            "picture": self.picture.id,
            "first_s": self.first_s,
            "last_s": self.last_s,
            "action": self.path.action,
            "came_from": self.path.came_from,
            "left_to": self.path.left_to,
            "size": round(self.size, 3),
            "mirrored": self.mirrored,
        }


class Timeline:
    """All visits of a world, in the order in which they began."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        self.visits = tuple(sorted(visits, key=lambda visit: (visit.first_s, visit.number)))

    def seen_at(self, time_s: float) -> tuple[Visit, ...]:
        """Who is in the picture at a moment."""
        return tuple(visit for visit in self.visits if visit.seen_at(time_s))

    def until(self, time_s: float) -> tuple[Visit, ...]:
        """The visits that had begun by a moment."""
        return tuple(visit for visit in self.visits if visit.first_s <= time_s)

    def between(self, start_s: float, end_s: float) -> tuple[Visit, ...]:
        """The visits of which something was seen from `start_s` to `end_s`, both included."""
        return tuple(v for v in self.visits if v.first_s <= end_s and v.last_s >= start_s)

    def of(self, name: str, until_s: float) -> tuple[Visit, ...]:
        """The visits of a name that had begun by a moment."""
        return tuple(visit for visit in self.until(until_s) if visit.name == name)

    def intervals(self, name: str) -> tuple[tuple[float, float], ...]:
        """When a name was in the picture."""
        return tuple((v.first_s, v.last_s) for v in self.visits if v.name == name)

    def distinct(self, until_s: float, group: str | None = None) -> tuple[str, ...]:
        """The names seen by a moment, of a group or of all, in the order of their first coming."""
        seen = (v.name for v in self.until(until_s) if group is None or v.group == group)
        return tuple(dict.fromkeys(seen))

    def facts(self) -> list[dict[str, Any]]:
        return [visit.facts() for visit in self.visits]
