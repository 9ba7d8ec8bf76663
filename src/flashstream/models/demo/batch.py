"""Many questions about one memory in one sequence, exactly as if each had a prompt of its own.

Memory tokens come once; each question sees the memory and itself alone (a 4-D attention mask), and
its positions go on from the memory's end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Turn:
    """Token ids of one question (the prompt after the memory) and its answer with its end."""

    question: Sequence[int]
    answer: Sequence[int]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Embeddings [P, H] of all that comes before the questions (text, memory), and the turns."""

    prefix: Tensor
    turns: Sequence[Turn]

    @property
    def tokens(self) -> int:
        return len(self.prefix) + sum(len(t.question) + len(t.answer) for t in self.turns)


@dataclass(frozen=True, slots=True)
class Packed:
    """embeds [1, S, H]; mask bool [1, 1, S, S] (True = may attend); positions [1, S];
    targets [S], the id that each place has to predict, or IGNORED; turns [S], the number of the
    turn that a target belongs to."""

    embeds: Tensor
    mask: Tensor
    positions: Tensor
    targets: Tensor
    turns: Tensor


def pack_chapters(chapters: Sequence[Chapter], table: Tensor) -> Packed:
    """Several memories with their questions in one sequence; table [V, H] embeds the text."""
    embeds: list[Tensor] = []
    chapter_of: list[int] = []
    turn_of: list[int] = []
    positions: list[int] = []
    targets: list[int] = []
    turn = 0
    for number, chapter in enumerate(chapters):
        size = len(chapter.prefix)
        embeds.append(chapter.prefix)
        chapter_of += [number] * size
        turn_of += [0] * size
        positions += range(size)
        targets += [IGNORED] * size
        for each in chapter.turns:
            turn += 1
            ids = [*each.question, *each.answer]
            embeds.append(table[ids])
            chapter_of += [number] * len(ids)
            turn_of += [turn] * len(ids)
            positions += range(size, size + len(ids))
            targets += [IGNORED] * (len(each.question) - 1) + [*each.answer, IGNORED]
    chapter_ids, turn_ids = torch.tensor(chapter_of), torch.tensor(turn_of)
    count = len(chapter_of)
    mask = torch.ones(count, count, dtype=torch.bool).tril()
    mask &= chapter_ids[:, None] == chapter_ids[None]
    mask &= (turn_ids[None] == 0) | (turn_ids[:, None] == turn_ids[None])
    return Packed(
        torch.cat(embeds)[None],
        mask[None, None],
        torch.tensor(positions)[None],
        torch.tensor(targets),
        turn_ids,
    )
