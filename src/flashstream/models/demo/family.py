"""The light side of the family `demo` (no torch)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flashstream.memory_store.abstract import SemanticAttention
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.demo import files, prompt
from flashstream.models.demo.labels import load_labels
from flashstream.models.demo.pack import pack
from flashstream.models.family import FrameEncoder, Grounder, MemoryItem, Progress, Prompt


class DemoFamily:
    """EfficientNet-Lite0 (256×256 → 8×8×1280), an anchored projector, SmolLM2-135M-Instruct.

    A memory of 60 slots of 4×4 patches is shown as 60 short entries: of a day of a fixed camera,
    more visits are kept apart than with 25, within the published 681 tokens. `foresight` and
    `saturation` are those that keep the most visits of such a day (`docs/evaluation.md`). A
    thumbnail is no larger than a frame's stored features.
    """

    name = "demo"
    input_size = 256
    grid = 8
    channels = 1280
    memory = StarConfig(
        spatial_frames=1,
        spatial_grid=4,
        temporal_slots=60,
        temporal_grid=4,
        abstract_slots=25,
        abstract_rate=0.2,
        retrieved_slots=12,
        retrieved_grid=4,
        candidates=2,
        thumbnail_bytes=4096,
        foresight=4,
        saturation=16,
    )

    def fingerprint(self) -> str:
        """Changes with what makes features: the encoder's weights and its picture's size.

        Not with the language model: a memory outlives a better projector. Sizes of memory are
        stored with it, and checked for themselves.
        """
        encoder = files.digest(files.encoder_file())
        return _digest([encoder, self.input_size, self.grid, self.channels])

    def attention(self) -> SemanticAttention | None:
        """See `flashstream.models.demo.attend`; None before the model is trained."""
        return SemanticAttention.load(files.ATTENTION) if files.ATTENTION.exists() else None

    def check(self) -> None:
        """Raise `MissingPackageError`, naming the package, if weights or labels are missing."""
        files.encoder_file()
        files.encoder_code()
        files.llm_file()
        load_labels()

    def preprocess(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The whole picture, squashed to the square (bilinear, antialiased)."""
        side = (self.input_size, self.input_size)
        picture = Image.fromarray(rgb)
        if picture.size != side:
            picture = picture.resize(side, Image.Resampling.BILINEAR)
        return np.asarray(picture, dtype=np.uint8)

    def encoder(self, device: str) -> FrameEncoder:
        """Load the encoder (imports torch)."""
        from flashstream.models.demo.encoder import DemoEncoder

        return DemoEncoder(device, self.input_size)

    def prepare(self, cache: Path, progress: Progress | None = None) -> Path:
        """Convert the language model once; see `flashstream.models.demo.convert`."""
        from flashstream.models.demo.convert import prepare

        trained = files.digest(files.TRAINED) if files.TRAINED.exists() else None
        made_of = [self.fingerprint(), trained, self.memory.geometry(), self.memory.tokens]
        return prepare(cache, _digest(made_of), progress)

    def pack(self, snapshot: MemorySnapshot) -> MemoryItem:
        """See `flashstream.models.demo.pack`: at most 635 tokens, from `meta` alone."""
        return pack(snapshot)

    def prompt(self, question: str, snapshot: MemorySnapshot) -> Prompt:
        """See `flashstream.models.demo.clock` for how times in a question are read."""
        return prompt.build(question, snapshot)

    def grounder(self, folder: Path) -> Grounder:
        """Load what ranks slots by an answer's words (imports torch)."""
        from flashstream.models.demo.grounder import DemoGrounder

        return DemoGrounder(folder)


def _digest(made_of: list[Any]) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
