"""The demo projector: patch features to LLM token embeddings, anchored in the encoder's labels.

What an entry shows is softmax((W·mean + b) / T) · Lab: the encoder's own classifier (W, b), turned
into a mixture of the LLM's embeddings of the label names (Lab). That names most pictures without
any training; temperatures, kind and order embeddings and a low-rank residual are trained on top.
The time mark before it is made of the LLM's embeddings of digits and units.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flashstream.memory_store.snapshot import Part
from flashstream.models.demo.pack import DIGITS, LABEL_TOKENS, NOW, QUADRANTS

MARK_WORDS: Final = (
    *"0123456789",
    "s",
    "m",
    "h",
    "d",
    "\n",
    ":",
    "=",
    "The",
    " time",
    " is",
    " now",
)
"""One LLM token each; `mark_words` holds their embeddings in this order."""

_NEWLINE, _COLON, _EQUALS = 14, 15, 16
_NOW: Final = (_NEWLINE, 17, 18, 19, 20, _COLON)

KINDS: Final = {Part.ABSTRACT: 0, Part.TEMPORAL: 1, Part.RETRIEVED: 2, Part.SPATIAL: 3}
_QUADRANT_KIND: Final = {Part.RETRIEVED: 4, Part.SPATIAL: 5}
KIND_COUNT: Final = 6
_FULL: Final = 24  # the number of the last of 25 temporal entries


class DemoProjector(nn.Module):
    """Projects one packed memory; in fp32 or bf16 (the classifier always in fp32).

    options: {"channels": D, "labels": number of labels, "rank": of the residual}.
    """

    def __init__(self, options: Mapping[str, Any], hidden_size: int) -> None:
        super().__init__()
        channels, labels = int(options["channels"]), int(options["labels"])
        rank = int(options["rank"])

        def fixed(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(*shape), requires_grad=False)

        self.hidden_size = hidden_size
        self.classifier_weight = fixed(labels, channels)
        self.classifier_bias = fixed(labels)
        self.label_tokens = fixed(labels, LABEL_TOKENS, hidden_size)
        self.mark_words = fixed(len(MARK_WORDS), hidden_size)
        self.log_temperature = nn.Parameter(torch.full((KIND_COUNT,), -1.2))
        self.kinds = nn.Parameter(torch.zeros(KIND_COUNT, LABEL_TOKENS, hidden_size))
        self.scales = nn.Parameter(torch.tensor([0.3, 1.0, 1.0, 1.0, 0.3, 0.3]))
        self.order = nn.Parameter(torch.zeros(2, hidden_size))
        self.down = nn.Parameter(torch.zeros(rank, hidden_size))
        self.up = nn.Parameter(torch.zeros(hidden_size, rank))

    def forward(self, features: Tensor, meta: Tensor) -> Tensor:
        """features [N, D], meta int [R, 4] (see `pack`) → [M, hidden_size], M = token_count."""
        table: list[list[int]] = meta.tolist()
        sizes = [row[1] for row in table]
        if sum(sizes) != features.shape[0]:
            raise ValueError(f"meta speaks of {sum(sizes)} rows, features have {features.shape[0]}")
        views, kinds = self._views(features.float(), table)
        seen = self._see(views, kinds)
        ranks = iter(self._ranks(sum(part == Part.TEMPORAL for part, *_ in table)))
        out: list[Tensor] = []
        at = 0
        for part, rows, value, unit in table:
            if part == Part.ABSTRACT:
                out.append(seen[at].mean(0, keepdim=True))
                at += 1
                continue
            out.append(self.mark_words[list(_mark(part, value, unit))])
            if part == Part.TEMPORAL:
                out.append(seen[at] + next(ranks))
                at += 1
                continue
            pictures = 1 + (rows if part in _QUADRANT_KIND else 0)
            out.append(seen[at : at + pictures].flatten(0, 1))
            at += pictures
        if not out:
            return self.mark_words.new_zeros(0, self.hidden_size)
        return torch.cat(out)

    def probabilities(self, pictures: Tensor, kinds: Tensor) -> Tensor:
        """[V, D] mean features, [V] kinds → [V, labels] in fp32."""
        logits = F.linear(
            pictures.float(), self.classifier_weight.float(), self.classifier_bias.float()
        )
        return (logits / self.log_temperature.float().exp()[kinds, None]).softmax(-1)

    def _ranks(self, slots: int) -> Tensor:
        """[slots, hidden_size] what tells an earlier temporal entry from a later one: its number,
        and the share of entries before it, along a trained direction each."""
        number = torch.arange(slots, device=self.order.device, dtype=torch.float32)
        along = torch.stack([number / _FULL, number / max(1, slots - 1)], dim=1)
        return along.to(self.order.dtype) @ self.order

    def _see(self, pictures: Tensor, kinds: Tensor) -> Tensor:
        """[V, D] → [V, LABEL_TOKENS, hidden_size]."""
        dtype = self.label_tokens.dtype
        share = self.probabilities(pictures, kinds).to(dtype)
        tokens = torch.einsum("vk,kth->vth", share, self.label_tokens)
        tokens = tokens + F.linear(F.linear(tokens, self.down), self.up)
        return tokens * self.scales[kinds, None, None] + self.kinds[kinds]

    def _views(self, features: Tensor, table: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """The mean of each entry, followed by its quadrants where its part has them."""
        means: list[Tensor] = []
        kinds: list[int] = []
        at = 0
        for part, rows, _, _ in table:
            entry = features[at : at + rows]
            at += rows
            means.append(entry.mean(0, keepdim=True))
            kinds.append(KINDS[Part(part)])
            if part in _QUADRANT_KIND:
                if rows != QUADRANTS:
                    raise ValueError(f"an entry of part {part} has {rows} rows, not {QUADRANTS}")
                means.append(entry)
                kinds += [_QUADRANT_KIND[Part(part)]] * rows
        if not means:
            return features, torch.zeros(0, dtype=torch.long, device=features.device)
        return torch.cat(means), torch.tensor(kinds, device=features.device)


def _mark(part: int, value: int, unit: int) -> tuple[int, ...]:
    """Rows of `mark_words` that make a time mark: "\\n040s:", "\\n040s=" if retrieved, or now."""
    if unit == NOW:
        return _NOW
    end = _EQUALS if part == Part.RETRIEVED else _COLON
    digits = tuple(value // 10**place % 10 for place in reversed(range(DIGITS)))
    return (_NEWLINE, *digits, 10 + unit, end)
