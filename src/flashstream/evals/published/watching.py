"""A video streamed through the product's memory; at each question's moment, a snapshot."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flashstream.errors import BenchmarkDataError
from flashstream.evals.published import features
from flashstream.evals.published.frames import Shown, shown, thinned
from flashstream.evals.published.media import Medium, StoredFeatures
from flashstream.evals.published.question import Question
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star import StarMemory
from flashstream.models.family import FrameEncoder

START_S = 1_750_000_000.0
"""Unix time that a video's first frame is taken to have."""

_BATCH = 16


class Preprocessing(Protocol):
    """What of a `ModelFamily` watching needs."""

    grid: int
    channels: int

    def fingerprint(self) -> str: ...

    def preprocess(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was remembered at its moment."""

    question: Question
    snapshot: MemorySnapshot


@dataclass(frozen=True, slots=True)
class _Encoded:
    time_s: float
    name: str
    grid: NDArray[np.float16]


class Watcher:
    """Watches videos, each into a memory of its own.

    encoder: made at the first frame that has to be encoded, never for stored features.
    memory: an empty memory for a stream of that name (see `models.memory.empty_memory`).
    fps: frames a second of the video that are shown; folder_fps: pictures a second in a folder,
    where the data set does not say.
    """

    def __init__(
        self,
        family: Preprocessing,
        encoder: Callable[[], FrameEncoder],
        memory: Callable[[str], StarMemory],
        *,
        fps: float = 1.0,
        folder_fps: float = 1.0,
    ) -> None:
        self._family = family
        self._make_encoder = encoder
        self._encoder: FrameEncoder | None = None
        self._memory = memory
        self._fps = fps
        self._folder_fps = folder_fps

    def watch(self, medium: Medium, questions: Sequence[Question]) -> Iterator[Asked]:
        """Show a video once, from `begin_s` on, and give each question at its moment.

        questions: of one video and one `begin_s`, in any order. A snapshot holds nothing of the
        frames at or after its question's `end`; reading stops after the last question.
        Raises `BenchmarkDataError` if there is no frame to show before a question's moment, or no
        picture of the name at which it is asked.
        """
        begin_s = questions[0].begin_s
        memory = self._memory(f"{questions[0].video}@{begin_s:g}")
        timed = sorted((q for q in questions if not isinstance(q.end, str)), key=_moment)
        named = {q.end: [p for p in questions if p.end == q.end] for q in questions}
        waiting = {name: asked for name, asked in named.items() if isinstance(name, str)}
        for frame in self._encoded(medium, questions[0].folder_fps, tuple(waiting)):
            if frame.time_s < begin_s:
                continue
            while timed and _moment(timed[0]) <= frame.time_s:
                yield self._asked(timed.pop(0), memory, medium)
            if not timed and not waiting:
                return
            memory.observe(frame.grid, START_S + frame.time_s, b"")
            for question in waiting.pop(frame.name, ()):
                yield self._asked(question, memory, medium)
        if waiting:
            raise BenchmarkDataError(
                f"{_where(medium)} has no picture {', '.join(sorted(waiting))}, at which "
                f"{sum(map(len, waiting.values()))} question(s) are asked"
            )
        for question in timed:
            yield self._asked(question, memory, medium)

    def _asked(self, question: Question, memory: StarMemory, medium: Medium) -> Asked:
        if memory.as_of is None:
            end = "its end" if question.end is None else f"second {question.end:g}"
            raise BenchmarkDataError(
                f"{_where(medium)} has no frame from second {question.begin_s:g} to {end}, which "
                f"question {question.id!r} is about"
            )
        return Asked(question, memory.snapshot())

    def _encoded(
        self, medium: Medium, folder_fps: float | None, keep: tuple[str, ...]
    ) -> Iterator[_Encoded]:
        if isinstance(medium, StoredFeatures):
            side, channels = self._family.grid, self._family.channels
            stored = features.load(medium.path, (side, side, channels), self._family.fingerprint())
            names = stored.names or ("",) * len(stored.features)
            rows = (
                _Encoded(float(time_s), name, grid)
                for time_s, name, grid in zip(stored.times_s, names, stored.features, strict=True)
            )
            yield from rows if keep else thinned(rows, self._fps)
            return
        rate = folder_fps or self._folder_fps
        # A question asked at a picture needs that picture, whichever are left out.
        frames = shown(medium, fps=max(self._fps, rate) if keep else self._fps, folder_fps=rate)
        while batch := list(islice(frames, _BATCH)):
            yield from self._batch(batch)

    def _batch(self, batch: Sequence[Shown]) -> Iterator[_Encoded]:
        if self._encoder is None:
            self._encoder = self._make_encoder()
        grids = self._encoder.encode([self._family.preprocess(frame.rgb) for frame in batch])
        for frame, grid in zip(batch, grids, strict=True):
            yield _Encoded(frame.time_s, frame.name, grid)


def _moment(question: Question) -> float:
    return question.end if isinstance(question.end, int | float) else math.inf


def _where(medium: Medium) -> str:
    return ", ".join(map(str, getattr(medium, "paths", ()))) or str(getattr(medium, "path", ""))
