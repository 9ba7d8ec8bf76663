from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star import StarMemory
from flashstream.models.demo.family import DemoFamily
from flashstream.models.demo.labels import Labels, load_labels
from flashstream.models.family import ModelFamily
from flashstream.models.registry import family as family_named

NOW = 1_790_000_000.0


@pytest.fixture(scope="session")
def family() -> ModelFamily:
    return family_named("demo")


@pytest.fixture(scope="session")
def labels() -> Labels:
    return load_labels()


@pytest.fixture(scope="session")
def parses() -> list[object]:
    """Filled by `demo_folder`: what was parsed as GGUF."""
    return []


@pytest.fixture(scope="session")
def demo_folder(
    tmp_path_factory: pytest.TempPathFactory, family: ModelFamily, parses: list[object]
) -> Path:
    """The converted demo model (about 20 s)."""

    parse = gguf.GGUFReader

    def counted(path: object) -> object:
        parses.append(path)
        return parse(path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gguf, "GGUFReader", counted)
        return family.prepare(tmp_path_factory.mktemp("cache"))


Remember = Callable[..., MemorySnapshot]


@pytest.fixture(scope="session")
def remember() -> Remember:
    """remember(frames, gap_s=1.0, seed=0): a real memory of random features, up to `NOW`."""

    def make(frames: int, gap_s: float = 1.0, seed: int = 0) -> MemorySnapshot:
        rng = np.random.default_rng(seed)
        memory = StarMemory(DemoFamily.memory, 4, 1280, stream="test", epoch=1)
        for number in range(frames):
            grid = rng.uniform(0, 2, (4, 4, 1280)).astype(np.float16)
            memory.observe(grid, NOW - (frames - 1 - number) * gap_s, b"")
        return memory.snapshot()

    return make
