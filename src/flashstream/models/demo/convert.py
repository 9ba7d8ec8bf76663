"""Makes the folder that vLLM loads: SmolLM2 in bf16 with the LoRA merged, and the projector.

The folder is made beside its final place and renamed, under a file lock, so that it appears
complete or not at all and two processes may ask for it at once.
"""

import contextlib
import functools
import io
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file
from torch import Tensor

from flashstream.evals.world.names import NAMES
from flashstream.memory_store.snapshot import Part
from flashstream.models.demo import files, lora
from flashstream.models.demo.anchor import anchor_weights
from flashstream.models.demo.family import DemoFamily
from flashstream.models.demo.labels import load_labels
from flashstream.models.demo.pack import entry_tokens
from flashstream.models.demo.projector import DemoProjector
from flashstream.models.demo.reader import DIMENSIONS
from flashstream.models.family import Progress

MEMORY_TOKEN_ID = 16
"""<empty_output>: in the tokenizer's vocabulary, but never in a question (see `prompt`)."""

_MEMORY = DemoFamily.memory
MAX_TOKENS = (
    _MEMORY.abstract_slots * entry_tokens(Part.ABSTRACT)
    + _MEMORY.temporal_slots * entry_tokens(Part.TEMPORAL)
    + _MEMORY.spatial_frames * entry_tokens(Part.SPATIAL)
)
RANK = 16
OPTIONS: dict[str, Any] = {
    "channels": 1280,
    "labels": 1000,
    "rank": RANK,
    "names": len(NAMES),
    "dimensions": DIMENSIONS,
}
LORA_PREFIX, PROJECTOR_PREFIX = "lora.", "projector."


def prepare(cache: Path, digest: str, progress: Progress | None = None) -> Path:
    """The complete folder for the trained weights of this package, made if it is not there."""
    tell = progress or (lambda _what, _share: None)
    target = cache / f"demo-{digest}"
    if complete(target):
        tell("demo model is ready", 1.0)
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"demo-{digest}.lock"):
        if complete(target):
            tell("demo model is ready", 1.0)
            return target
        work = Path(tempfile.mkdtemp(prefix=f".demo-{digest}-", dir=cache))
        try:
            trained = load_file(files.TRAINED) if files.TRAINED.exists() else {}
            convert(work, trained, tell)
            work.chmod(0o755)
            work.rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    tell("demo model is ready", 1.0)
    return target


def complete(folder: Path) -> bool:
    """Whether a folder holds a converted model (it is renamed into place only when whole)."""
    return (folder / "config.json").is_file()


def convert(folder: Path, trained: dict[str, Tensor], tell: Progress) -> None:
    """Write the model's files into an empty folder.

    trained: "lora.NAME.{a,b}" and "projector.NAME", as the training saves them; may be empty.
    """
    tell("reading the language model", 0.05)
    weights, config, tokenizer = read_llm()
    tell("merging the adapters", 0.6)
    lora.merge(weights, _under(trained, LORA_PREFIX), "model.layers.")
    tell("making the projector", 0.7)
    projector = DemoProjector(OPTIONS, config["hidden_size"])
    made = anchor_weights(load_labels(), tokenizer, weights["model.embed_tokens.weight"])
    state = projector.state_dict() | made | _under(trained, PROJECTOR_PREFIX)
    projector.load_state_dict(state)
    for name, tensor in projector.state_dict().items():
        weights[PROJECTOR_PREFIX + name] = tensor.to(torch.bfloat16)
    tell("writing", 0.8)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save_pretrained(folder)
    config |= {
        "architectures": ["MemoryLM"],
        "memory_text_arch": "LlamaForCausalLM",
        "memory_token_id": MEMORY_TOKEN_ID,
        "memory_max_tokens": MAX_TOKENS,
        "memory_projector": {"class": "flashstream.models.demo.projector:DemoProjector"} | OPTIONS,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True))


def read_llm() -> tuple[dict[str, Tensor], dict[str, Any], Any]:
    """SmolLM2 out of its GGUF: bf16 weights by name (embedding tied), config, tokenizer."""
    import gguf
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = files.llm_file()
    source = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    # transformers would parse the file for the configuration, the weights and the tokenizer anew,
    # six seconds of a core each time.
    parsed_once = patch.object(gguf, "GGUFReader", functools.cache(gguf.GGUFReader))
    # Its own progress bars would run through ours.
    with contextlib.redirect_stderr(io.StringIO()), parsed_once:
        model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**source)
    config = model.config.to_dict()
    for key in ("quantization_config", "_name_or_path"):
        config.pop(key, None)
    config["dtype"] = "bfloat16"
    weights = {
        name: tensor.to(torch.bfloat16).contiguous()
        for name, tensor in model.state_dict().items()
        if name != "lm_head.weight"
    }
    return weights, config, tokenizer


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
