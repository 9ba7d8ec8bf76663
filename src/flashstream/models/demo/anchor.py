"""The parts of the projector that need no training: the classifier, and the LLM's own words."""

from typing import Any

import torch
from torch import Tensor

from flashstream.evals.world.names import NAMES
from flashstream.models.demo.encoder import encoder_weights
from flashstream.models.demo.labels import Labels
from flashstream.models.demo.pack import LABEL_TOKENS
from flashstream.models.demo.projector import MARK_WORDS, NAME_TOKENS


def anchor_weights(labels: Labels, tokenizer: Any, embedding: Tensor) -> dict[str, Tensor]:
    """The projector's fixed weights in fp32, by parameter name.

    embedding: the LLM's table [V, H]. A name of fewer tokens than `LABEL_TOKENS` is followed by
    zeros, a longer one is cut.
    """
    encoder = encoder_weights()
    table = embedding.float()
    names = torch.zeros(len(labels.names), LABEL_TOKENS, table.shape[1])
    for k, name in enumerate(labels.names):
        rows = table[token_ids(tokenizer, f" {name}")[:LABEL_TOKENS]]
        names[k, : len(rows)] = rows
    actors = torch.zeros(len(NAMES), NAME_TOKENS, table.shape[1])
    for k, actor in enumerate(NAMES):
        rows = table[token_ids(tokenizer, f" {actor.word}")[:NAME_TOKENS]]
        actors[k, : len(rows)] = rows
    marks = [token_ids(tokenizer, word) for word in MARK_WORDS]
    if any(len(ids) != 1 for ids in marks):
        raise ValueError("the tokenizer splits a word of the time marks")
    return {
        "classifier_weight": encoder["_fc.weight"].float(),
        "classifier_bias": encoder["_fc.bias"].float(),
        "label_tokens": names,
        "name_tokens": actors,
        "mark_words": table[[ids[0] for ids in marks]],
    }


def token_ids(tokenizer: Any, text: str) -> list[int]:
    """Ids of a text without the tokenizer's own additions."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
