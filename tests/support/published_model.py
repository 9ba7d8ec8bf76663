"""A model that sees colours: a real memory between a tiny encoder and a made-up answerer.

It answers with the colour of the newest frame that its memory holds, so that a wrong answer means
that wrong frames were shown.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flashstream.config import Settings
from flashstream.evals.published.asking import Reply, Respondent
from flashstream.memory_store.snapshot import MemorySnapshot, Part
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import Progress

COLOURS = {"red": (230, 20, 20), "green": (20, 230, 20), "blue": (20, 20, 230)}
SIDE = 8

Say = Callable[[str, MemorySnapshot], str]


class ColourFamily:
    name = "colours"
    grid = 2
    channels = 3
    memory = StarConfig(
        spatial_grid=2,
        temporal_slots=4,
        temporal_grid=2,
        abstract_slots=2,
        retrieved_slots=1,
        retrieved_grid=2,
    )

    def fingerprint(self) -> str:
        return "colours-1"

    def attention(self) -> None:
        return None

    def preprocess(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(Image.fromarray(rgb).resize((SIDE, SIDE)), np.uint8)


class ColourEncoder:
    """The mean colour of each quadrant, float16[B, 2, 2, 3]."""

    def __init__(self) -> None:
        self.frames = 0

    def encode(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        self.frames += len(frames)
        half = SIDE // 2
        pictures = np.stack(frames).astype(np.float32) / 255
        means: NDArray[np.float32] = pictures.reshape(-1, 2, half, 2, half, 3).mean((2, 4))
        return means.astype(np.float16)


def newest_colour(snapshot: MemorySnapshot) -> str:
    newest = snapshot.features[snapshot.parts == Part.SPATIAL].astype(np.float32).mean(0)
    return list(COLOURS)[int(np.argmax(newest))]


def colour_answer(text: str, snapshot: MemorySnapshot) -> str:
    """The newest colour in words, or the letter of the option that names it."""
    colour = newest_colour(snapshot)
    for line in text.splitlines():
        if line[1:] == f". {colour}":
            return f"({line[0]}) {colour}"
    return f"It is {colour}."


class ColourRespondent:
    def __init__(self, model: "ColourModel") -> None:
        self._model = model

    async def answer(self, text: str, snapshot: MemorySnapshot) -> Reply:
        self._model.asked.append(text)
        if self._model.log is not None:
            with self._model.log.open("a") as log:
                log.write(text.splitlines()[0] + "\n")
        return Reply(self._model.say(text, snapshot), prompt_tokens=10, completion_tokens=2)


class ColourModel:
    """A `Model`; make it with `ColourModel.maker`."""

    name = "colours"

    def __init__(self, say: Say = colour_answer, log: Path | None = None) -> None:
        self.say = say
        self.log = log
        self.asked: list[str] = []
        self.encoders: list[ColourEncoder] = []
        self.started = 0
        self.family = ColourFamily()
        self.memory_config = ColourFamily.memory

    def __call__(self, settings: Settings, report: Progress) -> "ColourModel":
        return self

    def check(self) -> None:
        return

    def language_model(self) -> str:
        return "made-up"

    def encoder(self) -> ColourEncoder:
        self.encoders.append(ColourEncoder())
        return self.encoders[-1]

    def memory(self, stream: str) -> StarMemory:
        return StarMemory(
            self.memory_config, 2, 3, stream=stream, fingerprint=self.family.fingerprint()
        )

    def memory_tokens(self) -> int:
        return 50

    @asynccontextmanager
    async def respondent(self, max_tokens: int) -> AsyncIterator[Respondent]:
        self.started += 1
        yield ColourRespondent(self)


def quiet(*_: Any) -> None:
    return
