"""What an exam is sat with in tests: a family of next to no size, and somebody who answers."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flashstream.config import Settings
from flashstream.evals.published.asking import Reply, Respondent
from flashstream.evals.world.exam.run import OpenRespondent
from flashstream.evals.world.exam.watch import Sight
from flashstream.memory_store.abstract import SemanticAttention
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import FrameEncoder, Grounder, MemoryItem, ModelFamily, Progress
from flashstream.models.family import Prompt as FamilyPrompt

CHANNELS = 3


class TinyEncoder:
    """A picture of 8×8 as 4×4 patches of its colours. `frames` counts what was encoded."""

    def __init__(self) -> None:
        self.frames = 0

    def encode(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        self.frames += len(frames)
        patches = np.stack(frames).reshape(-1, 4, 2, 4, 2, CHANNELS)
        grid: NDArray[np.float16] = (patches.mean(axis=(2, 4)) / 64).astype(np.float16)
        return grid


class TinyFamily:
    """Sees colours; its memory has 6 slots of 2×2, 3 of them in detail, and 4 abstract rows."""

    name = "tiny"
    input_size = 8
    grid = 4
    channels = CHANNELS

    def __init__(self) -> None:
        self.memory = StarConfig(
            spatial_frames=2,
            spatial_grid=4,
            temporal_slots=6,
            temporal_grid=2,
            abstract_slots=4,
            retrieved_slots=3,
            retrieved_grid=4,
        )
        self.made = TinyEncoder()

    def fingerprint(self) -> str:
        return "tiny-1"

    def attention(self) -> SemanticAttention | None:
        return None

    def check(self) -> None:
        return None

    def preprocess(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(Image.fromarray(rgb).resize((8, 8)), np.uint8)

    def encoder(self, device: str) -> FrameEncoder:
        return self.made

    def prepare(self, cache: Path, progress: Progress | None = None) -> Path:
        return cache / "tiny-llm"

    def pack(self, snapshot: MemorySnapshot) -> MemoryItem:
        rows = len(snapshot.features)
        return MemoryItem(snapshot.features, np.zeros((rows, 1), np.int64), rows)

    def prompt(self, question: str, snapshot: MemorySnapshot) -> FamilyPrompt:
        return FamilyPrompt("", question)

    def grounder(self, folder: Path) -> Grounder:
        raise NotImplementedError


@dataclass
class Oracle:
    """Answers as `say` does; keeps what it was asked."""

    say: Callable[[str, MemorySnapshot], str]
    asked: list[tuple[str, MemorySnapshot]] = field(default_factory=list)

    async def answer(self, text: str, snapshot: MemorySnapshot) -> Reply:
        self.asked.append((text, snapshot))
        return Reply(self.say(text, snapshot))

    def opened(self) -> OpenRespondent:
        @asynccontextmanager
        async def open_(
            family: ModelFamily, settings: Settings, max_tokens: int, report: Progress
        ) -> AsyncIterator[Respondent]:
            yield self

        return open_


def scenes(count: int, seed: int = 0, fps: float = 1.0) -> list[Sight]:
    """Frames of a few scenes that come back, no two alike."""
    rng = np.random.default_rng(seed)
    places = rng.random((4, 4, 4, CHANNELS)) * 3
    return [
        (
            number / fps,
            (places[number // 5 % 4] + 0.1 * rng.random((4, 4, CHANNELS))).astype(np.float16),
        )
        for number in range(count)
    ]


def quiet(step: str, share: float) -> None:
    """Nobody is told."""
