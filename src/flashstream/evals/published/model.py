"""The model that a run evaluates: the configured family, or a test's own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import numpy as np

from flashstream.config import Settings
from flashstream.evals.published.asking import Respondent, respondent
from flashstream.evals.published.watching import Preprocessing
from flashstream.memory_store.star import StarMemory
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import FrameEncoder, Progress
from flashstream.models.memory import empty_memory
from flashstream.models.registry import configured


class Model(Protocol):
    """What is evaluated.

    name: for people; language_model: changes with the language model's weights.
    memory_config: sizes of the memory.
    """

    name: str

    @property
    def family(self) -> Preprocessing: ...

    @property
    def memory_config(self) -> StarConfig: ...

    def check(self) -> None:
        """Raise `MissingPackageError` if its files are missing."""
        ...

    def language_model(self) -> str: ...

    def encoder(self) -> FrameEncoder: ...

    def memory(self, stream: str) -> StarMemory: ...

    def memory_tokens(self) -> int:
        """Tokens that the language model reads of a memory that is full."""
        ...

    def respondent(self, max_tokens: int) -> AbstractAsyncContextManager[Respondent]: ...


class ConfiguredModel:
    """The model family of the settings, with their memory and engine."""

    def __init__(self, settings: Settings, report: Progress) -> None:
        self._settings = settings
        self._report = report
        self._folder: Path | None = None
        self.name = settings.model
        self.family = configured(settings)
        self.memory_config = self.family.memory

    def check(self) -> None:
        """See `Model`."""
        self.family.check()

    def language_model(self) -> str:
        """The name of the prepared folder, which has the weights' digest in it."""
        if self._folder is None:
            self._folder = self.family.prepare(self._settings.cache_dir, self._report)
        return self._folder.name

    def encoder(self) -> FrameEncoder:
        """On the configured device."""
        return self.family.encoder(self._settings.device())

    def memory(self, stream: str) -> StarMemory:
        """Empty, with the configured sizes."""
        return empty_memory(self.family, stream)

    def memory_tokens(self) -> int:
        """See `Model`; counted on a memory of noise."""
        rng = np.random.default_rng(0)
        memory = self.memory("tokens")
        side, channels = self.family.grid, self.family.channels
        for second in range(self.memory_config.temporal_slots + 1):
            memory.observe(rng.random((side, side, channels)).astype(np.float16), second, b"")
        return self.family.pack(memory.snapshot()).tokens

    def respondent(self, max_tokens: int) -> AbstractAsyncContextManager[Respondent]:
        """See `asking.respondent`."""
        return respondent(self.family, self._settings, max_tokens, self._report)


MakeModel = Callable[[Settings, Progress], Model]
