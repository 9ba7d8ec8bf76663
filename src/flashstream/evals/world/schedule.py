"""Who comes when: the plan of a world's visits, drawn from its seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log2

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.cast import Actor
from flashstream.evals.world.paths import Action, Path, Side
from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.timeline import SEEN_SHARE, Timeline, Visit

SHORTEST_S = 6.0
LONGEST_S = 1200.0
CROSSING_S = (6.0, 14.0)
LEAST_GAP_S = 3.0
BUSY_SHARE = 0.65  # at most this share of a world's time has someone in the picture
_HALF = 0.47  # of two at once, each is at most this wide
TOGETHER = 0.15  # how many visits begin while another is there
ACTIONS: tuple[tuple[Action, float], ...] = (("stand", 0.4), ("pace", 0.3), ("cross", 0.3))


def usual_visits(length_s: float) -> int:
    """4 in a minute, 14 in ten, 22 in an hour, 35 in a day, and never more than fit."""
    fitting = int((length_s - LEAST_GAP_S) / (SHORTEST_S + LEAST_GAP_S))
    return min(fitting, round(4 + 3 * log2(max(1.0, length_s / 60))))


@dataclass(frozen=True, slots=True)
class Stage:
    """What the plan must fit: the picture's shape (width / height), the sizes of actors as shares
    of its height, the frames a second, and the length in seconds."""

    shape: float
    sizes: tuple[float, float]
    fps: float
    length_s: float


class Planner:
    """Draws a timeline; equal arguments and generators give equal timelines."""

    def __init__(
        self,
        stage: Stage,
        cast: Sequence[Actor],
        book: PictureBook,
        rng: np.random.Generator,
    ) -> None:
        self._stage, self._cast, self._book, self._rng = stage, cast, book, rng

    def timeline(self, visits: int) -> Timeline:
        """That many visits by members of the cast, some of whom return.

        Raises `InvalidRequestError` if they do not fit the length.
        """
        rng, length = self._rng, self._stage.length_s
        least = visits * (SHORTEST_S + LEAST_GAP_S) + LEAST_GAP_S
        if least > length:
            raise InvalidRequestError(
                f"{visits} visits take at least {least:.0f} s, but the world lasts {length:.0f} s",
                visits=visits,
            )
        actions = self._actions(visits)
        stays = self._stays(actions)
        together = self._pairs(visits)
        blocks = self._blocks(stays, together)
        spare = length - sum(end for end, _ in blocks) - LEAST_GAP_S * (len(blocks) + 1)
        gaps = LEAST_GAP_S + max(0.0, spare) * rng.dirichlet(np.full(len(blocks) + 1, 1.2))
        out: list[Visit | None] = []
        at, actors = float(gaps[0]), iter(self._actors(visits))
        numbers = iter(range(visits))
        for (end, starts), gap in zip(blocks, gaps[1:], strict=True):
            for place, start in enumerate(starts):
                number = next(numbers)
                half = None if len(starts) == 1 else place
                begin = at + start
                out.append(
                    self._visit(
                        number, next(actors), actions[number], begin, begin + stays[number], half
                    )
                )
            at += end + float(gap)
        return Timeline([visit for visit in out if visit is not None])

    def _actions(self, visits: int) -> list[Action]:
        kinds, shares = zip(*ACTIONS, strict=True)
        return [kinds[k] for k in self._rng.choice(len(kinds), visits, p=shares)]

    def _stays(self, actions: Sequence[Action]) -> list[float]:
        rng, length = self._rng, self._stage.length_s
        longest = max(SHORTEST_S * 1.5, min(LONGEST_S, 0.15 * length))
        stays = [
            float(rng.uniform(*CROSSING_S))
            if action == "cross"
            else exp(rng.uniform(log(1.5 * SHORTEST_S), log(max(2 * SHORTEST_S, longest))))
            for action in actions
        ]
        room = min(BUSY_SHARE * length, length - LEAST_GAP_S * (len(actions) + 1))
        room -= SHORTEST_S * len(actions)
        extra = sum(stay - SHORTEST_S for stay in stays)
        shrink = min(1.0, max(0.0, room) / extra)
        return [SHORTEST_S + (stay - SHORTEST_S) * shrink for stay in stays]

    def _pairs(self, visits: int) -> list[bool]:
        """Whether each visit begins during the one before it; never three at once."""
        together = [False] * visits
        for number in range(1, visits):
            together[number] = not together[number - 1] and self._rng.random() < TOGETHER
        return together

    def _blocks(
        self, stays: Sequence[float], together: Sequence[bool]
    ) -> list[tuple[float, tuple[float, ...]]]:
        """(length, starts of one or two visits) of each time that someone is there."""
        blocks: list[tuple[float, tuple[float, ...]]] = []
        for number, stay in enumerate(stays):
            if together[number]:
                start = float(self._rng.uniform(0.25, 0.75)) * stays[number - 1]
                blocks[-1] = (max(blocks[-1][0], start + stay), (0.0, start))
            else:
                blocks.append((stay, (0.0,)))
        return blocks

    def _actors(self, visits: int) -> list[Actor]:
        """Everyone of the cast comes once if there are visits enough; never twice running."""
        rng, cast = self._rng, self._cast
        order = list(rng.permutation(len(cast)))[:visits]
        while len(order) < visits:
            known = len(order)
            at = int(rng.integers(1, known + 1))
            again = int(order[int(rng.integers(known))])
            names = {cast[k].name.word for k in order[max(0, at - 1) : at + 1]}
            if cast[again].name.word not in names or len({each.name.word for each in cast}) < 3:
                order.insert(at, again)
        return [cast[k] for k in order]

    def _visit(
        self,
        number: int,
        actor: Actor,
        action: Action,
        enter_s: float,
        leave_s: float,
        half: int | None,
    ) -> Visit | None:
        """None if no frame shows it: few frames a second may miss who only passes."""
        rng, stage = self._rng, self._stage
        size = float(rng.uniform(*stage.sizes))
        image = self._book.image(actor.picture)
        longer = max(image.size)
        if half is not None:
            size = min(size, _HALF * stage.shape * longer / image.width)
        half_width = size * image.width / longer / stage.shape / 2
        half_height = size * image.height / longer / 2
        came: Side = "left" if rng.random() < 0.5 else "right"
        to: Side = "left" if rng.random() < 0.5 else "right"
        x = float(rng.uniform(half_width, 1 - half_width))
        reach = min(0.25, 0.5 - half_width)
        if half is not None:
            # Two at once keep to a half each, and to its side, so that neither hides the other.
            if action == "cross":
                action = "stand"
            came = to = "left" if half == 0 else "right"
            x = 0.25 if half == 0 else 0.75
            reach = 0.25 - half_width
            if action == "pace" and reach < 0.08:
                action, reach = "stand", 0.0
        elif action == "pace":
            x = float(np.clip(x, half_width + reach, 1 - half_width - reach))
        elif action == "cross":
            to = "right" if came == "left" else "left"
        path = Path(
            action=action,
            came_from=came,
            left_to=to,
            enter_s=enter_s,
            leave_s=leave_s,
            x=x,
            y=float(rng.uniform(half_height, 1 - half_height)),
            half_width=half_width,
            walk_s=min(3.0, (leave_s - enter_s) / 4),
            reach=reach if action == "pace" else 0.0,
        )
        seen = _seen(path, stage)
        if not len(seen):
            return None
        return Visit(
            number,
            actor.picture,
            actor.name.group,
            path,
            size,
            bool(rng.random() < 0.5),
            float(seen[0]),
            float(seen[-1]),
        )


def _seen(path: Path, stage: Stage) -> NDArray[np.float64]:
    """The moments of the frames with at least half of the actor in the picture."""
    start, end = int(path.enter_s * stage.fps), int(min(path.leave_s, stage.length_s) * stage.fps)
    times = np.arange(start, end + 1) / stage.fps
    seen: NDArray[np.float64] = times[path.share_at(times) >= SEEN_SHARE]
    return seen
