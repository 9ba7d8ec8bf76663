"""Questions and true answers about a stream's memory, as people ask them of cameras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from flashstream.evals.world.questions import wording
from flashstream.evals.world.questions.answers import Age, Things, YesNo
from flashstream.evals.world.questions.lexicon import with_article
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.sampler import MAKERS
from flashstream.evals.world.questions.scene import Scene
from flashstream.evals.world.timeline import Timeline, Visit
from flashstream.memory_store.abstract import SemanticAttention
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.demo import clock
from flashstream.models.demo.lessons import Lesson
from flashstream.models.demo.pack import GRID, slot_marks
from flashstream.models.demo.streams import StoryWorld
from flashstream.models.demo.wording import UNIT_WORDS

SHARES: Final = {
    "now": 0.14,
    "event_occurrence": 0.24,
    "sequence_validation": 0.22,
    "when": 0.17,
    "ordered_narrative": 0.09,
    "scene_summary": 0.06,
    "between": 0.05,
    "how_many": 0.03,
}
"""The kinds whose answers are in what the model is shown, and how often each is asked."""

DRILL: Final = {kind: 0.25 * share for kind, share in SHARES.items()} | {
    "sequence_validation": 0.2,
    "ordered_narrative": 0.05,
    "when": 0.5,
}
"""Mostly about when, for a mark stands before its name and is easily taken for the one after it,
and about order, which has to be compared with the one asked for."""

_SLACK_S: Final = 3.0
_TRIES: Final = 12


@dataclass(frozen=True, slots=True)
class Memory:
    """A stream's memory at a moment of its world, and who can be known of from it."""

    world: StoryWorld
    moment_s: float
    snapshot: MemorySnapshot
    timeline: Timeline


def remember(
    world: StoryWorld,
    config: StarConfig,
    attention: SemanticAttention | None,
    rng: np.random.Generator,
) -> Memory:
    """Watch a world up to some moment, often one with somebody there.

    Who came but is in no slot of its own by then counts as never seen: the model shall say what it
    is shown.
    """
    last = (len(world) - 1) / world.spec.fps
    moment = float(rng.uniform(0.3, 1.0)) * last
    if rng.random() < 0.5:
        visit = world.timeline.visits[int(rng.integers(len(world.timeline.visits)))]
        moment = float(rng.uniform(visit.first_s, visit.last_s))
    number = max(1, round(moment * world.spec.fps))
    while not _clear(world, number) and number < len(world) - 1:
        number += 1
    start = world.start.timestamp()
    memory: StarMemory | None = None
    for frame in range(number + 1):
        grid = world.features(frame)
        if memory is None:
            memory = StarMemory(
                config, GRID, grid.shape[2], stream="story", epoch=1, attention=attention
            )
        memory.observe(grid, start + frame / world.spec.fps, b"")
    if memory is None:
        raise ValueError("a world has frames")
    snapshot = memory.snapshot()
    at = number / world.spec.fps
    known = [
        visit
        for visit in world.timeline.visits
        if visit.first_s > at or _rows(visit, snapshot, world)
    ]
    return Memory(world, at, snapshot, Timeline(known))


class Examiner:
    """Asks questions of a memory, in the words of the evaluation's templates."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def lessons(
        self, memory: Memory, count: int, shares_of: Mapping[str, float] = SHARES
    ) -> list[Lesson]:
        """About that many; a kind that has no true answer there is left out."""
        kinds, shares = zip(*shares_of.items(), strict=True)
        probabilities = np.array(shares) / sum(shares)
        if not memory.timeline.visits:
            return []
        scene = _Fixed(memory, self._rng)
        out: list[Lesson] = []
        for _ in range(4 * count):
            if len(out) >= count:
                break
            kind = str(self._rng.choice(kinds, p=probabilities))
            asked = self._now(memory) if kind == "now" else self._made(scene, kind)
            out += [lesson for each in asked if (lesson := self._lesson(memory, each))]
        return out

    def _made(self, scene: Scene, kind: str) -> Sequence[Question]:
        makers = MAKERS[kind]
        for _ in range(_TRIES):
            made = makers[int(self._rng.integers(len(makers)))](scene)
            if made:
                return made
        return ()

    def _lesson(self, memory: Memory, question: Question) -> Lesson | None:
        snapshot = memory.snapshot
        text = clock.annotate(question.text, snapshot.slots, snapshot.as_of)
        answer = question.answer.text
        if isinstance(question.answer, Age):
            asked = question.text.split("the ")[1]
            visit = next(each for each in memory.timeline.visits if each.name in asked)
            said = self._since(memory, visit)
            if said is None or not question.answer.accepts(said, question.asked_at):
                return None
            answer = said
        elif question.kind == "sequence_validation" and isinstance(question.answer, YesNo):
            # The order first: whether it is the one asked for is read off it.
            order = question.answer.said
            answer = f"{order[0].upper()}{order[1:]}, so {question.answer.key}."
        return Lesson(question.kind, text, answer)

    def _since(self, memory: Memory, visit: Visit) -> str | None:
        """When someone came, by the mark of the slot that begins nearest to it."""
        snapshot = memory.snapshot
        rows = _rows(visit, snapshot, memory.world)
        if not rows:
            return None
        came = memory.world.start.timestamp() + visit.first_s
        first = min(rows, key=lambda row: abs(float(snapshot.slots.first_s[row]) - came))
        value, unit = slot_marks(snapshot.slots, snapshot.as_of)[first]
        return f"{value} {UNIT_WORDS[unit]}{'' if value == 1 else 's'} ago."

    def _now(self, memory: Memory) -> list[Question]:
        rng, at = self._rng, memory.moment_s
        there = list(dict.fromkeys(v.name for v in memory.world.timeline.seen_at(at)))
        if not there and not memory.timeline.until(at):
            return []  # nobody came yet: the scene itself is what there is
        scene = _Fixed(memory, rng)
        if rng.random() < 0.5:
            answer = Things(tuple(there), exact=True)
            return [scene.question("now", "what", scene.pick(wording.NOW), at, answer, 0.0)]
        if not there:
            return []
        before = [name for name in memory.timeline.distinct(at) if name not in there]
        absent = scene.pick(before) if before and rng.random() < 0.5 else scene.unseen(at)
        if absent is None:
            return []
        template = scene.pick(wording.NOW_IS)
        return [
            scene.question("now", "is", template.format(a=with_article(name)), at, answer, 0.0)
            for name, answer in ((scene.pick(there), YesNo(True)), (absent, YesNo(False)))
        ]


class _Fixed(Scene):
    """A scene that is only asked about at one moment, of whom the memory holds."""

    def __init__(self, memory: Memory, rng: np.random.Generator) -> None:
        super().__init__(memory.world, rng, None)
        self.timeline = memory.timeline
        self._moment = memory.moment_s

    def moment_after(self, event_s: float) -> float | None:
        return self._moment if event_s < self._moment else None


def _rows(visit: Visit, snapshot: MemorySnapshot, world: StoryWorld) -> list[int]:
    """The slots that hold frames of one visit and hardly any others."""
    slots, start = snapshot.slots, world.start.timestamp()
    slack = max(_SLACK_S, 1.5 / world.spec.fps)
    own = (slots.first_s >= start + visit.first_s - slack) & (
        slots.last_s <= start + visit.last_s + slack
    )
    return [int(row) for row in np.flatnonzero(own & (slots.mean_s <= start + visit.last_s + 1))]


def _clear(world: StoryWorld, number: int) -> bool:
    """Whether nobody is seen but by less than half."""
    time_s = number / world.spec.fps
    return all(
        visit.seen_at(time_s) or not visit.path.enter_s < time_s < visit.path.leave_s
        for visit in world.timeline.visits
    )
