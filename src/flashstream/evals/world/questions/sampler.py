"""Questions of every kind about a world, in balanced rounds.

A maker gives a round: questions whose right answers are all different where there are few to
choose from (a yes and a no, each of three actions), asked in the same words. So nothing of a
question's kind, wording or moment tells its answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.questions import amounts, deeds, presence, sequence
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.scene import HORIZONS, Scene
from flashstream.evals.world.splits import generator
from flashstream.evals.world.world import World

Maker = Callable[[Scene], "list[Question] | None"]

MAKERS: Final[dict[str, tuple[Maker, ...]]] = {
    "scene_summary": (presence.summary,),
    "action_description": (deeds.action, deeds.side),
    "event_occurrence": (presence.ever, presence.ever_within),
    "ordered_narrative": (sequence.narrative, sequence.which_first),
    "sequence_validation": (sequence.before, sequence.in_order),
    "now": (presence.now, presence.now_is),
    "when": (amounts.when,),
    "how_long": (amounts.how_long,),
    "how_many": (amounts.times, amounts.different),
    "between": (presence.between,),
}
"""By kind; the first five are those of VStream-QA."""

KINDS: Final = tuple(MAKERS)
_TRIES: Final = 120  # draws for one round before it is given up


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which questions: how many of each kind, of which kinds, and at which horizon (a name of
    `HORIZONS`), any if None. `now` has no horizon, and is left out where one is wanted."""

    of_each: int = 4
    kinds: tuple[str, ...] = KINDS
    horizon: str | None = None

    def __post_init__(self) -> None:
        if unknown := set(self.kinds) - set(KINDS):
            raise InvalidRequestError(
                f"no kinds of questions are called {sorted(unknown)}; there are: {', '.join(KINDS)}"
            )
        if self.horizon is not None and self.horizon not in HORIZONS:
            raise InvalidRequestError(
                f"there is no horizon {self.horizon!r}; there are: {', '.join(HORIZONS)}"
            )
        if self.of_each < 1:
            raise InvalidRequestError(f"at least one question of a kind, not {self.of_each}")


def sample(world: World, wanted: Wanted, seed: int = 0) -> list[Question]:
    """Whole rounds of each kind in turn, until there are `wanted.of_each` or a few more of it.

    Equal arguments give equal questions. A kind that the world gives no true answer to at that
    horizon is left out, so there may be fewer.
    """
    spec = world.spec
    out: list[Question] = []
    for kind in wanted.kinds:
        if kind == "now" and wanted.horizon is not None:
            continue
        horizons = list(HORIZONS)
        salt = 0 if wanted.horizon is None else 1 + horizons.index(wanted.horizon)
        rng = generator(spec.split, spec.seed, "questions", seed, salt, KINDS.index(kind))
        scene = Scene(world, rng, None if wanted.horizon is None else HORIZONS[wanted.horizon])
        out += _of_kind(scene, MAKERS[kind], wanted.of_each)
    return out


def _of_kind(scene: Scene, makers: Sequence[Maker], count: int) -> list[Question]:
    out: list[Question] = []
    known: set[tuple[str, float]] = set()
    able = list(makers)
    turn = 0
    while able and len(out) < count:
        maker = able[turn % len(able)]
        made = _round(scene, maker, known)
        if made is None:
            able.remove(maker)
            continue
        known |= {(question.text, question.moment_s) for question in made}
        out += made
        turn += 1
    return out


def _round(scene: Scene, maker: Maker, known: set[tuple[str, float]]) -> list[Question] | None:
    for _ in range(_TRIES):
        made = maker(scene)
        if made and not any((each.text, each.moment_s) in known for each in made):
            return made
    return None
