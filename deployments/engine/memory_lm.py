"""A vLLM model: any text language model of vLLM, with memories between its words.

Read from a checkpoint whose config.json has, beside the text model's own keys:
  "architectures": ["MemoryLM"];
  "memory_text_arch": the text model's architecture, e.g. "LlamaForCausalLM";
  "memory_token_id": the vocabulary's id of the placeholder token;
  "memory_max_tokens": the most tokens one memory may become;
  "memory_projector": {"class": "module:Class", "channels": D, …}, optionally "columns": C.
Tensors named "projector.*" are the projector's, all others the text model's.

The projector runs inside the model (as in arXiv 2406.08085, section 3.3), so its result is cached
with the item, and an engine on a GPU projects there.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn
from vllm.model_executor.models.interfaces import MultiModalEmbeddings, SupportsMultiModal
from vllm.model_executor.models.utils import (
    AutoWeightsLoader,
    WeightsMapper,
    init_vllm_registered_model,
    maybe_prefix,
)
from vllm.multimodal import MULTIMODAL_REGISTRY
from vllm.utils.torch_utils import set_default_torch_dtype

from flashstream.deployments.engine.items import (
    MODALITY,
    MemoryDummies,
    MemoryInfo,
    MemoryProcessor,
)
from flashstream.deployments.engine.limits import projector_class
from flashstream.deployments.engine.yielding import Pauses, yields_most
from flashstream.models.family import hf_projector_options

_PROJECTOR = "projector."


@MULTIMODAL_REGISTRY.register_processor(
    MemoryProcessor, info=MemoryInfo, dummy_inputs=MemoryDummies
)
class MemoryLM(nn.Module, SupportsMultiModal):  # type: ignore[misc]
    """Text before ⊕ projected memory ⊕ text after, at ordinary 1-D positions."""

    hf_to_vllm_mapper = WeightsMapper(
        orig_to_new_prefix={
            "lm_head.": "language_model.lm_head.",
            "model.": "language_model.model.",
        }
    )

    make_empty_intermediate_tensors: Any
    language_model: Any

    @classmethod
    def get_placeholder_str(cls, modality: str, i: int) -> str | None:
        return None  # prompts come as token ids, with the memory token in its place

    def __init__(self, *, vllm_config: Any, prefix: str = "") -> None:
        super().__init__()
        config = vllm_config.model_config.hf_config
        options = hf_projector_options(config)
        # In fp32 whatever the text model's type: it is small, and attention over remembered
        # features loses its sharpness in bf16.
        with (
            self._mark_tower_model(vllm_config, MODALITY),  # type: ignore[operator]
            set_default_torch_dtype(torch.float32),
        ):
            self.projector = projector_class(options)(options, config.hidden_size)
        with self._mark_language_model(vllm_config):  # type: ignore[operator]
            self.language_model = init_vllm_registered_model(
                vllm_config=vllm_config,
                prefix=maybe_prefix(prefix, "language_model"),
                architectures=[config.memory_text_arch],
            )
        self.make_empty_intermediate_tensors = self.language_model.make_empty_intermediate_tensors
        self._pauses = pauses_before(self.language_model.model.layers)

    def embed_multimodal(
        self,
        memory_features: Iterable[torch.Tensor] = (),
        memory_meta: Iterable[torch.Tensor] = (),
        memory_tokens: Iterable[torch.Tensor] = (),
        **_: object,
    ) -> MultiModalEmbeddings:
        """[N, D] and [R, C] of each item → [tokens, hidden_size] of each.

        Raises RuntimeError, which ends the engine, if a projector breaks its own promise on the
        number of tokens: vLLM would cut or misplace them without a word.
        """
        kind = next(self.language_model.parameters()).dtype
        made = []
        for features, meta, tokens in zip(memory_features, memory_meta, memory_tokens, strict=True):
            rows = self.projector(features.to(torch.float32), meta)
            if rows.shape[0] != int(tokens):
                raise RuntimeError(
                    f"{type(self.projector).__name__} made {rows.shape[0]} tokens of a memory "
                    f"that was packed for {int(tokens)}"
                )
            made.append(rows.to(kind))
        return tuple(made)

    def forward(
        self,
        input_ids: torch.Tensor | None,
        positions: torch.Tensor,
        intermediate_tensors: Any = None,
        inputs_embeds: torch.Tensor | None = None,
        **_: object,
    ) -> Any:
        if self._pauses is not None:
            self._pauses.step()
        if intermediate_tensors is not None:
            inputs_embeds = None
        return self.language_model.model(
            input_ids, positions, intermediate_tensors, inputs_embeds=inputs_embeds
        )

    def compute_logits(self, hidden_states: torch.Tensor) -> torch.Tensor | None:
        logits: torch.Tensor | None = self.language_model.compute_logits(hidden_states)
        return logits

    def load_weights(self, weights: Iterable[tuple[str, torch.Tensor]]) -> set[str]:
        """Load all tensors; raises if the projector's do not fit it exactly."""
        projector: dict[str, torch.Tensor] = {}

        def text_weights() -> Iterator[tuple[str, torch.Tensor]]:
            for name, tensor in weights:
                if name.startswith(_PROJECTOR):
                    projector[name.removeprefix(_PROJECTOR)] = tensor
                else:
                    yield name, tensor

        loaded: set[str] = AutoWeightsLoader(self).load_weights(
            text_weights(), mapper=self.hf_to_vllm_mapper
        )
        self.projector.load_state_dict(projector, strict=True)
        return loaded | {_PROJECTOR + name for name in projector}


def pauses_before(layers: Iterable[nn.Module]) -> Pauses | None:
    """Have each layer begin with a pause if one is due; None, and no pauses, in a thread that does
    not yield so."""
    if not yields_most():
        return None
    pauses = Pauses()
    for layer in layers:
        layer.register_forward_pre_hook(lambda *_: pauses.layer())
    return pauses
