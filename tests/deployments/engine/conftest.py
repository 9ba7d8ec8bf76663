from pathlib import Path

import pytest
from support.tiny_lm import make_checkpoint


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint with its tokenizer and projector."""
    return make_checkpoint(tmp_path_factory.mktemp("tiny"))
