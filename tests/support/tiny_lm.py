"""A language model of two layers with random weights, so that vLLM starts in seconds."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from support.tiny_projector import TinyProjector
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from flashstream.models.family import MemoryItem

CHANNELS, COLUMNS, MAX_TOKENS = 24, 2, 200
MEMORY_TOKEN = "<memory>"


def make_checkpoint(folder: Path) -> Path:
    """A folder as `ModelFamily.prepare` makes them."""
    words = ["<unk>", MEMORY_TOKEN, "<end>", *(f"w{i}" for i in range(253))]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token="<unk>",
        eos_token="<end>",
        additional_special_tokens=[MEMORY_TOKEN],
    ).save_pretrained(folder)
    torch.manual_seed(7)
    options = {
        "class": "support.tiny_projector:TinyProjector",
        "channels": CHANNELS,
        "columns": COLUMNS,
    }
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=4096,
        eos_token_id=2,
        bos_token_id=None,
        tie_word_embeddings=False,
        initializer_range=0.3,
    )
    llm = LlamaForCausalLM(config)
    projector = TinyProjector(options, config.hidden_size)
    projector.scale.fill_(0.05)
    tensors = {name: t.contiguous() for name, t in llm.state_dict().items()}
    tensors |= {f"projector.{name}": t for name, t in projector.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    described = config.to_dict() | {
        "architectures": ["MemoryLM"],
        "dtype": "float32",
        "memory_token_id": 1,
        "memory_text_arch": "LlamaForCausalLM",
        "memory_max_tokens": MAX_TOKENS,
        "memory_projector": options,
    }
    (folder / "config.json").write_text(json.dumps(described))
    return folder


def make_item(seed: int, rows: int = 70) -> MemoryItem:
    dice = np.random.default_rng(seed)
    features = dice.normal(size=(rows, CHANNELS)).astype(np.float16)
    meta = dice.integers(0, 10, (rows, COLUMNS)).astype(np.int64)
    return MemoryItem(features, meta, rows)
