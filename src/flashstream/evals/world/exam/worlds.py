"""Which worlds of a split are watched, and what is asked of them."""

from dataclasses import dataclass
from typing import Final

from flashstream.errors import SettingError
from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.sampler import KINDS, Wanted, sample
from flashstream.evals.world.splits import Split
from flashstream.evals.world.world import World, WorldSpec

_NOW: Final = ("now",)


@dataclass(frozen=True, slots=True)
class Length:
    """Worlds of one length. seeds: one a world; of_each: questions of each kind (or a few more:
    they come in rounds), by horizon; now: questions of the kind `now`, which has no horizon."""

    length_s: float
    fps: float
    seeds: tuple[int, ...]
    of_each: dict[str, int]
    now: int


LENGTHS: Final = (
    Length(600.0, 1.0, (1, 2, 3, 4), {"10s": 2, "1min": 2}, now=6),
    Length(5700.0, 0.5, (5, 6), {"10min": 2, "1h": 2}, now=4),
    Length(39600.0, 0.2, (7, 8), {"10min": 2, "1h": 2, "10h": 4}, now=4),
)
"""The same for every split; a long world is watched at fewer frames a second."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the exam. world: its place in the list of worlds; horizon: "" of `now`."""

    world: int
    horizon: str
    question: Question


@dataclass(frozen=True, slots=True)
class Paper:
    """The worlds, and all questions in the order of worlds."""

    worlds: tuple[World, ...]
    questions: tuple[Asked, ...]

    def moments(self, world: int) -> tuple[float, ...]:
        """When questions come in a world: seconds since its start, ascending, each once."""
        asked = {each.question.moment_s for each in self.questions if each.world == world}
        return tuple(sorted(asked))


def paper(
    split: Split,
    seed: int = 0,
    *,
    of_each: int | None = None,
    lengths: tuple[Length, ...] = LENGTHS,
) -> Paper:
    """The exam of a split; equal arguments make equal exams.

    seed: of the questions. of_each: instead of what the lengths say.
    Raises `SettingError` for numbers that make no exam, `MissingPackageError`.
    """
    if of_each is not None and of_each < 1:
        raise SettingError(f"{of_each} questions of each kind; 1 or more are taken")
    if seed < 0:
        raise SettingError(f"a seed is 0 or more, not {seed}")
    book = PictureBook()
    worlds: list[World] = []
    questions: list[Asked] = []
    for length in lengths:
        wanted = [("", Wanted(of_each or length.now, _NOW))]
        wanted += [
            (horizon, Wanted(of_each or count, KINDS, horizon))
            for horizon, count in length.of_each.items()
        ]
        for world_seed in length.seeds:
            world = World(WorldSpec(split, world_seed, length.length_s, length.fps), book)
            for horizon, each in wanted:
                found = sample(world, each, seed)
                questions += [Asked(len(worlds), horizon, question) for question in found]
            worlds.append(world)
    return Paper(tuple(worlds), tuple(questions))


def label(world: World) -> str:
    """What a world is called in results."""
    return f"{world.spec.split}-{world.spec.seed}"
