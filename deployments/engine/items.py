"""The modality "memory" for vLLM: from a request's memory item to placeholder tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import BatchFeature
from vllm.multimodal.inputs import MultiModalFieldConfig, MultiModalKwargsItems
from vllm.multimodal.parse import MultiModalDataParser, ProcessorBatchItems
from vllm.multimodal.processing import (
    BaseDummyInputsBuilder,
    BaseMultiModalProcessor,
    BaseProcessingInfo,
    PromptReplacement,
    PromptUpdate,
)

from flashstream.deployments.engine.limits import ItemLimits

MODALITY = "memory"
_ROOM_FOR_TEXT = 8  # tokens that a prompt needs beside the largest memory


class MemoryParser(MultiModalDataParser):  # type: ignore[misc]
    """Checks items where a ValueError still refuses one request only (see `ItemLimits`)."""

    def __init__(self, limits: ItemLimits) -> None:
        super().__init__()
        self._limits = limits

    def _parse_memory(self, data: object) -> ProcessorBatchItems | None:
        if data is None:
            return None
        items = list(data) if isinstance(data, list | tuple) else [data]
        for item in items:
            self._limits.check(item)
        return ProcessorBatchItems(items, MODALITY)

    def _get_subparsers(self) -> Mapping[str, Any]:
        return {MODALITY: self._parse_memory}


class MemoryInfo(BaseProcessingInfo):  # type: ignore[misc]
    """One memory a prompt, of at most so many tokens as the projector and the context allow."""

    def limits(self) -> ItemLimits:
        return ItemLimits.from_config(self.get_hf_config())

    def get_data_parser(self) -> MemoryParser:
        return MemoryParser(self.limits())

    def get_supported_mm_limits(self) -> Mapping[str, int | None]:
        return {MODALITY: 1}

    def get_mm_max_tokens_per_item(
        self, seq_len: int, mm_counts: Mapping[str, int]
    ) -> Mapping[str, int]:
        return {MODALITY: min(seq_len - _ROOM_FOR_TEXT, self.limits().max_tokens)}


class MemoryDummies(BaseDummyInputsBuilder[MemoryInfo]):  # type: ignore[misc]
    """vLLM warms its processor up with these; the projector never sees them.

    Only the family knows which `meta` is meaningful, so the engine starts with
    `skip_mm_profiling`, and no check of the parser is asked of dummies but the shapes.
    """

    def get_dummy_text(self, mm_counts: Mapping[str, int]) -> str:
        token = self.info.get_hf_config().memory_token_id
        text: str = self.info.get_tokenizer().decode([token])
        return text * mm_counts.get(MODALITY, 0)

    def get_dummy_mm_data(
        self, seq_len: int, mm_counts: Mapping[str, int], mm_options: Mapping[str, Any]
    ) -> dict[str, Any]:
        limits = self.info.limits()
        item = {
            "features": torch.zeros(1, limits.channels, dtype=torch.float16),
            "meta": torch.zeros(1, limits.columns or 1, dtype=torch.int64),
            "tokens": 1,
        }
        return {MODALITY: [item] * mm_counts.get(MODALITY, 0)}


class MemoryProcessor(BaseMultiModalProcessor[MemoryInfo]):  # type: ignore[misc]
    """Hands features and meta through and widens the memory token to the item's tokens."""

    def _call_hf_processor(
        self, hf_data: Mapping[str, Any], hf_kwargs: Mapping[str, object]
    ) -> BatchFeature:
        items = hf_data["memorys"]  # the modality's name + "s", as vLLM forms it
        return BatchFeature(
            {
                "memory_features": [item["features"] for item in items],
                "memory_meta": [item["meta"] for item in items],
                "memory_tokens": [torch.tensor(item["tokens"]) for item in items],
            }
        )

    def _get_mm_fields_config(
        self, hf_inputs: BatchFeature, hf_processor_mm_kwargs: Mapping[str, object]
    ) -> Mapping[str, MultiModalFieldConfig]:
        return {
            "memory_features": MultiModalFieldConfig.batched(MODALITY),
            "memory_meta": MultiModalFieldConfig.batched(MODALITY),
            "memory_tokens": MultiModalFieldConfig.batched(MODALITY, keep_on_cpu=True),
        }

    def _get_prompt_updates(
        self,
        mm_items: object,
        hf_processor_mm_kwargs: Mapping[str, object],
        out_mm_kwargs: MultiModalKwargsItems,
    ) -> Sequence[PromptUpdate]:
        token = self.info.get_hf_config().memory_token_id

        def widened(index: int) -> list[int]:
            return [token] * int(out_mm_kwargs[MODALITY][index]["memory_tokens"].data)

        return [PromptReplacement(modality=MODALITY, target=[token], replacement=widened)]
