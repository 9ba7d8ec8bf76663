"""What a model family is: an encoder, a projector and a language model that belong together.

A family's light side (this protocol) needs no torch, so that stream actors, the gateway and the
CLI can hold it. Its heavy side, an encoder and a projector, is built where the weights live.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.snapshot import MemorySnapshot

if TYPE_CHECKING:
    from flashstream.memory_store.abstract import SemanticAttention
    from flashstream.memory_store.star import StarConfig

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """A snapshot as the language model's projector takes it; crosses to vLLM as is.

    features: float16[N, D]; meta: int64[R, C], what the projector needs to know besides
    (a family's own columns, e.g. which rows are one entry, its part and its age);
    tokens: the number of LLM tokens the projector makes of it, a function of `meta` alone.
    """

    features: NDArray[np.float16]
    meta: NDArray[np.int64]
    tokens: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """Text around the memory: `before` ⊕ memory tokens ⊕ `after`, chat template included."""

    before: str
    after: str


class FrameEncoder(Protocol):
    """Frames to patch features, on one device."""

    def encode(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """uint8[S, S, 3] each (see `ModelFamily.preprocess`) → float16[B, G, G, D]."""
        ...


class ModelFamily(Protocol):
    """One encoder + projector + language model, and the memory geometry they were made for."""

    name: str
    input_size: int  # S: side of the square picture the encoder takes
    grid: int  # G: patches on a side
    channels: int  # D: features of a patch
    memory: "StarConfig"  # sizes of the parts of memory

    def fingerprint(self) -> str:
        """Short hex digest of all that makes features what they are.

        Memory written under one fingerprint is never fed to a model of another.
        """
        ...

    def attention(self) -> "SemanticAttention | None":
        """The abstract memory's learned projections; None for a model that ships none."""
        ...

    def check(self) -> None:
        """Raise `MissingPackageError`, naming the package, if weights are not installed."""
        ...

    def preprocess(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8[H, W, 3] → uint8[S, S, 3], the whole field of view."""
        ...

    def encoder(self, device: str) -> FrameEncoder:
        """Load the encoder on "cpu" or "cuda:N" (imports torch)."""
        ...

    def prepare(self, cache: Path, progress: Progress | None = None) -> Path:
        """Make (once) and return the folder that vLLM loads: LLM, tokenizer, projector weights.

        Atomic: the folder appears complete or not at all. Its config.json names the projector
        class under "memory_projector": {"class": "module:Class", …}.
        """
        ...

    def pack(self, snapshot: MemorySnapshot) -> MemoryItem:
        """What of the snapshot the projector takes, in the order it takes it."""
        ...

    def prompt(self, question: str, snapshot: MemorySnapshot) -> Prompt:
        """The text around the memory. No word about what a picture shows is in it."""
        ...

    def grounder(self, folder: Path) -> "Grounder":
        """Load what finds the slots that an answer speaks of (see `Grounder`)."""
        ...


class Grounder(Protocol):
    """Which slots an answer is about, so that their pictures can be shown as evidence."""

    def rank(self, question: str, answer: str, snapshot: MemorySnapshot) -> list[tuple[int, float]]:
        """(slot id, relevance in [0, 1]) of every temporal slot, most relevant first."""
        ...


def hf_projector_options(config: Any) -> dict[str, Any]:
    """The projector's options out of a Hugging Face config object made by `prepare`."""
    options: dict[str, Any] = dict(config.memory_projector)
    return options
