"""Frames shown to several memories in lockstep; at each question's moment, what each remembers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.world import World
from flashstream.memory_store.pooling import Pyramid
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star import StarMemory
from flashstream.models.family import ModelFamily
from flashstream.models.memory import empty_memory

Sight = tuple[float, NDArray[np.float16]]
"""A frame as the encoder has it: seconds since the world's start, float16[G, G, D]."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame as policies take it. time_s: Unix seconds; features: float16[G, G, D]; pooled: the
    same at smaller grids, each made once for all policies that ask for it."""

    time_s: float
    features: NDArray[np.float16]
    pooled: Pyramid


class Policy(Protocol):
    """A way to remember a stream."""

    def observe(self, seen: Seen) -> None:
        """The next frame."""
        ...

    def snapshot(self) -> MemorySnapshot:
        """What a question is answered from, after at least one frame; holds copies alone."""
        ...


class Product:
    """The product's memory as a `Policy`."""

    def __init__(self, memory: StarMemory) -> None:
        self._memory = memory

    def observe(self, seen: Seen) -> None:
        self._memory.observe(seen.features, seen.time_s, b"")

    def snapshot(self) -> MemorySnapshot:
        return self._memory.snapshot()


def watch(
    sights: Iterable[Sight],
    moments_s: Iterable[float],
    policies: Mapping[str, Policy],
    start_s: float,
) -> Iterator[tuple[float, dict[str, MemorySnapshot]]]:
    """Each moment once, in order, with the snapshot that each policy has of the frames up to it.

    sights: in order of time. moments_s: since the world's start, like the sights' times, in any
    order. start_s: Unix time of the world's start. No frame after a moment is observed before that
    moment's snapshots are taken, and nothing is read after the last of them.
    Raises `InvalidRequestError` if there is no frame up to the first moment.
    """
    waiting = sorted(set(moments_s))
    begun = False

    def asked() -> tuple[float, dict[str, MemorySnapshot]]:
        if not begun:
            raise InvalidRequestError(f"no frame was shown up to second {waiting[0]:g}")
        return waiting.pop(0), {name: each.snapshot() for name, each in policies.items()}

    frames = iter(sights)
    while waiting:
        time_s, features = next(frames, (np.inf, None))
        while waiting and waiting[0] < time_s:
            yield asked()
        if features is None or not waiting:
            return
        frame = Seen(start_s + time_s, features, Pyramid(features))
        for policy in policies.values():
            policy.observe(frame)
        begun = True
        if waiting[0] == time_s:
            yield asked()


def ours_at(
    family: ModelFamily, world: World, questions: Sequence[Question], sights: Iterable[Sight]
) -> list[MemorySnapshot]:
    """What the family's configured memory holds at each question's moment, in their order.

    sights: frames of the world, in order of time; see `watch`, which says what is raised.
    """
    ours = Product(empty_memory(family, f"{world.spec.split}-{world.spec.seed}"))
    moments = (question.moment_s for question in questions)
    found = {
        moment: snapshots["ours"]
        for moment, snapshots in watch(sights, moments, {"ours": ours}, world.start.timestamp())
    }
    return [found[question.moment_s] for question in questions]
