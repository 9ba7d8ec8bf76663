"""The training set, made step by step from a seed, and how well a model knows it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from flashstream.memory_store.abstract import SemanticAttention
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star import StarConfig
from flashstream.models.demo.anchor import token_ids
from flashstream.models.demo.batch import IGNORED, Chapter, Packed, Turn, pack_chapters
from flashstream.models.demo.exercises import DRILL, Examiner, remember
from flashstream.models.demo.labels import Labels
from flashstream.models.demo.lessons import Lesson, Teacher
from flashstream.models.demo.pack import pack
from flashstream.models.demo.prompt import BEFORE, after
from flashstream.models.demo.reference import ReferenceModel
from flashstream.models.demo.scenes import Features, Painter, Storyteller
from flashstream.models.demo.streams import StoryWorld, Wardrobe

DRILL_S = 500.0
DRILL_LONGEST_S = 43_200.0
END = 2
"""<|im_end|>, which ends an answer."""


@dataclass(frozen=True, slots=True)
class Page:
    """One step's material: memories, each with its lessons."""

    memories: tuple[MemorySnapshot, ...]
    lessons: tuple[tuple[Lesson, ...], ...]


class Course:
    """Makes pages; page n of a seed is always the same, so training can go on from any step."""

    def __init__(
        self,
        labels: Labels,
        config: StarConfig,
        attention: SemanticAttention | None,
        backgrounds: Features,
        weight: Features,
        bias: Features,
        wardrobe: Wardrobe,
        seed: int,
    ) -> None:
        self._labels, self._config, self._seed = labels, config, seed
        self._backgrounds, self._weight, self._bias = backgrounds, weight, bias
        self._wardrobe, self._attention = wardrobe, attention

    def sights(self, number: int, short: bool) -> Page:
        """Synthetic sights: two short memories (early in training), or two middling or one full."""
        rng = np.random.default_rng([self._seed, number])
        painter = Painter(self._backgrounds, self._weight, self._bias, rng)
        teller = Storyteller(painter, self._config, self._attention, len(self._labels.names), rng)
        teacher = Teacher(self._labels, painter, rng)
        if short:
            sizes, counts = [int(n) for n in rng.integers(1, 10, 2)], [9, 9]
        elif number % 2:
            sizes, counts = [int(rng.integers(25, 71))], [16]
        else:
            sizes, counts = [int(n) for n in rng.integers(2, 20, 2)], [8, 8]
        stories = [teller.story(size) for size in sizes]
        lessons = [
            tuple(teacher.lessons(story, count))
            for story, count in zip(stories, counts, strict=True)
        ]
        return Page(tuple(story.snapshot for story in stories), tuple(lessons))

    def world(self, number: int, count: int = 16) -> Page:
        """A stream of some seconds up to a day, remembered in as many slots as usual, or fewer."""
        rng = np.random.default_rng([self._seed, number, 1])
        world = StoryWorld(self._wardrobe, number)
        most = self._config.temporal_slots
        slots = most if rng.random() < 0.4 else int(rng.integers(most // 5, most))
        config = self._config.model_copy(update={"temporal_slots": slots})
        memory = remember(world, config, self._attention, rng)
        return Page((memory.snapshot,), (tuple(Examiner(rng).lessons(memory, count)),))

    def drill(self, number: int, *, short: bool, count: int = 28) -> Page:
        """Some minutes in few slots, or a stream of any length in all of them, and questions mostly
        about order and when."""
        rng = np.random.default_rng([self._seed, number, 2])
        world = StoryWorld(self._wardrobe, number, DRILL_S if short else DRILL_LONGEST_S)
        slots = int(rng.integers(10, 25)) if short else self._config.temporal_slots
        config = self._config.model_copy(update={"temporal_slots": slots})
        memory = remember(world, config, self._attention, rng)
        return Page((memory.snapshot,), (tuple(Examiner(rng).lessons(memory, count, DRILL)),))


def packed(model: ReferenceModel, page: Page) -> Packed:
    """A page as one sequence, through the same `pack`, prompt and projector as in serving."""
    table = model.llm.get_input_embeddings().weight
    before = model.embed(BEFORE)
    chapters = []
    for snapshot, lessons in zip(page.memories, page.lessons, strict=True):
        memory = model.project(pack(snapshot)).to(before.dtype)
        turns = [
            Turn(
                token_ids(model.tokenizer, after(lesson.question)),
                [*token_ids(model.tokenizer, lesson.answer), END],
            )
            for lesson in lessons
        ]
        chapters.append(Chapter(torch.cat([before, memory]), turns))
    return pack_chapters(chapters, table)


def logits(model: ReferenceModel, batch: Packed) -> tuple[Tensor, Tensor, Tensor]:
    """(logits [T, V] fp32, targets [T], turn of each [T]) at the answers' places."""
    hidden = model.llm.model(
        inputs_embeds=batch.embeds,
        attention_mask=batch.mask,
        position_ids=batch.positions,
        use_cache=False,
    ).last_hidden_state[0]
    at = batch.targets != IGNORED
    return model.llm.lm_head(hidden[at]).float(), batch.targets[at], batch.turns[at]


def loss(model: ReferenceModel, batch: Packed) -> Tensor:
    """Mean over turns of each answer's mean cross entropy, so that long answers do not rule."""
    scores, targets, turns = logits(model, batch)
    each = F.cross_entropy(scores, targets, reduction="none")
    count = int(turns.max()) + 1
    sums = torch.zeros(count).index_add(0, turns, each)
    sizes = torch.zeros(count).index_add(0, turns, torch.ones_like(each))
    return sums[1:].div(sizes[1:]).mean()


@torch.no_grad()
def examine(model: ReferenceModel, pages: Iterable[Page]) -> dict[str, tuple[int, int]]:
    """Of each kind of question: (answers right to the last token, asked).

    A greedy answer is the wanted one exactly if each wanted token is the likeliest after those
    before it, so one pass tells.
    """
    right: dict[str, int] = defaultdict(int)
    asked: dict[str, int] = defaultdict(int)
    for page in pages:
        scores, targets, turns = logits(model, packed(model, page))
        wrong = {int(turn) for turn in turns[scores.argmax(-1) != targets]}
        flat = [lesson for lessons in page.lessons for lesson in lessons]
        for turn, lesson in enumerate(flat, start=1):
            asked[lesson.kind] += 1
            right[lesson.kind] += turn not in wrong
    return {kind: (right[kind], asked[kind]) for kind in sorted(asked)}
