"""What the tests of watching share: one clip, and a bench of workers that watch it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.workers import Bench, bright_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bright_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def bench(clip: Path) -> Iterator[Bench]:
    made = Bench(clip)
    yield made
    made.stop()
