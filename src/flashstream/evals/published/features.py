"""Features of a video's frames in a file, so that it is encoded once for many runs.

Layout, of `.npz` (arrays) and `.safetensors` (tensors, and texts in its metadata) alike:

| name | what |
| --- | --- |
| `features` | float16[N, G, G, D], the encoder's, one of each sampled frame in order |
| `times_s` | float64[N], seconds since the video's first frame, never going back |
| `fingerprint` | the model family's (a text; in .npz an array of one) |
| `names` | optional: the pictures' names without endings (a JSON list; in .npz an array of N) |
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from flashstream.errors import BenchmarkDataError


@dataclass(frozen=True, slots=True)
class FeatureFile:
    """What such a file holds; names is empty if there are none."""

    features: NDArray[np.float16]
    times_s: NDArray[np.float64]
    fingerprint: str
    names: tuple[str, ...] = ()


def save(path: Path, stored: FeatureFile) -> None:
    """Write a file, `.npz` or `.safetensors` by its name, whole or not at all."""
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    arrays: dict[str, NDArray[Any]] = {
        "features": np.ascontiguousarray(stored.features),
        "times_s": np.ascontiguousarray(stored.times_s),
    }
    if path.suffix == ".npz":
        texts = {"fingerprint": np.array(stored.fingerprint)}
        if stored.names:
            texts["names"] = np.array(stored.names)
        np.savez(partial, **arrays, **texts)  # type: ignore[arg-type]
    else:
        about = {"fingerprint": stored.fingerprint}
        if stored.names:
            about["names"] = json.dumps(list(stored.names))
        save_file(arrays, partial, about)
    partial.replace(path)


def load(path: Path, shape: Sequence[int], fingerprint: str) -> FeatureFile:
    """Read and check a file.

    shape: the (G, G, D) that the model family takes.
    Raises `BenchmarkDataError` naming the file: damaged, of another shape or of another model.
    """
    try:
        stored = _npz(path) if path.suffix == ".npz" else _safetensors(path)
    except KeyError as failure:
        raise BenchmarkDataError(
            f"{path} has no {failure.args[0]}; features, times_s and fingerprint are taken"
        ) from None
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error, SafetensorError) as failure:
        raise BenchmarkDataError(f"{path} cannot be read as features: {failure}") from None
    frames = len(stored.features)
    expected = (frames, *shape)
    if stored.features.dtype != np.float16 or stored.features.shape != expected:
        raise BenchmarkDataError(
            f"{path} has features {stored.features.dtype}{list(stored.features.shape)}; "
            f"float16[N, {', '.join(map(str, shape))}] is taken"
        )
    if stored.fingerprint != fingerprint:
        raise BenchmarkDataError(
            f"{path} was made by model {stored.fingerprint!r}; this is {fingerprint!r}"
        )
    times = stored.times_s
    if times.shape != (frames,) or not np.isfinite(times).all() or (np.diff(times) < 0).any():
        raise BenchmarkDataError(
            f"{path}: times_s are not {frames} finite seconds that never go back"
        )
    if stored.names and len(stored.names) != frames:
        raise BenchmarkDataError(f"{path} has {len(stored.names)} names for {frames} frames")
    return stored


def _npz(path: Path) -> FeatureFile:
    with np.load(path, allow_pickle=False) as arrays:
        return FeatureFile(
            arrays["features"],
            arrays["times_s"],
            str(arrays["fingerprint"].item()),
            tuple(arrays["names"].tolist()) if "names" in arrays else (),
        )


def _safetensors(path: Path) -> FeatureFile:
    with safe_open(path, framework="np") as tensors:
        about = tensors.metadata() or {}
        for name in ("features", "times_s"):
            if name not in tensors.keys():  # noqa: SIM118 - not a mapping
                raise KeyError(name)
        return FeatureFile(
            tensors.get_tensor("features"),
            tensors.get_tensor("times_s").astype(np.float64),
            about["fingerprint"],
            tuple(json.loads(about.get("names", "[]"))),
        )
