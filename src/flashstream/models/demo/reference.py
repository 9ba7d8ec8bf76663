"""The demo model in plain transformers: what serving agrees with and training starts from.

Slow (no batching, no reuse of the memory's keys and values); for training and tests.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from flashstream.models.demo.anchor import token_ids
from flashstream.models.demo.convert import OPTIONS, PROJECTOR_PREFIX
from flashstream.models.demo.projector import DemoProjector
from flashstream.models.family import MemoryItem, Prompt


class ReferenceModel:
    """Language model, tokenizer and projector of a folder that `prepare` made."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.bfloat16) -> None:
        from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

        config = LlamaConfig(**json.loads((folder / "config.json").read_text()))
        weights = load_file(folder / "model.safetensors")
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        llm = LlamaForCausalLM(config)
        own = {k: v for k, v in weights.items() if not k.startswith(PROJECTOR_PREFIX)}
        llm.load_state_dict(own, strict=False)
        llm.tie_weights()
        self.llm: Any = llm.to(dtype).eval()
        self.projector = DemoProjector(OPTIONS, config.hidden_size)
        self.projector.load_state_dict(
            {
                k.removeprefix(PROJECTOR_PREFIX): v
                for k, v in weights.items()
                if k.startswith(PROJECTOR_PREFIX)
            }
        )
        self.projector.to(dtype)

    def embed(self, text: str) -> Tensor:
        """[T, H] embeddings of a text's tokens."""
        out: Tensor = self.llm.get_input_embeddings()(
            torch.tensor(token_ids(self.tokenizer, text), dtype=torch.long)
        )
        return out

    def project(self, item: MemoryItem) -> Tensor:
        """[M, H] memory tokens of a packed snapshot."""
        out: Tensor = self.projector(torch.from_numpy(item.features), torch.from_numpy(item.meta))
        return out

    @torch.inference_mode()
    def answer(self, prompt: Prompt, item: MemoryItem, max_tokens: int = 40) -> str:
        """The greedy answer to one prompt."""
        tokens = torch.cat(
            [self.embed(prompt.before), self.project(item), self.embed(prompt.after)]
        )
        out = self.llm.generate(
            inputs_embeds=tokens[None],
            attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
            max_new_tokens=max_tokens,
            do_sample=False,
            pad_token_id=2,
            eos_token_id=2,
        )
        text: str = self.tokenizer.decode(out[0], skip_special_tokens=True)
        return text.strip()
