"""The demo projector: patch features to LLM token embeddings, anchored in names.

What an entry shows is softmax((W·mean + b) / T) · Lab: the encoder's own classifier (W, b), turned
into a mixture of the LLM's embeddings of the label names (Lab). That names most pictures without
any training; temperatures, kind and order embeddings and a low-rank residual are trained on top.
What acts before a scene is named by the `ActorReader`, by what differs from the scene's
background: two tokens of its name, and two of what else acts, take the scene's place as surely as
something is there. A name that no earlier entry shows is marked as new: asked when something came,
or in what order, the language model need not compare entries. The time mark before an entry is
made of the LLM's embeddings of digits and units.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flashstream.memory_store.snapshot import Part
from flashstream.models.demo.pack import CELLS, DIGITS, LABEL_TOKENS, NOW
from flashstream.models.demo.reader import ActorReader, background_of

MARK_WORDS: Final = (
    *"0123456789",
    "s",
    "m",
    "h",
    "d",
    "\n",
    ":",
    "The",
    " time",
    " is",
    " now",
)
"""One LLM token each; `mark_words` holds their embeddings in this order."""

_NEWLINE, _COLON = 14, 15
_NOW: Final = (_NEWLINE, 16, 17, 18, 19, _COLON)

KINDS: Final = {Part.ABSTRACT: 0, Part.TEMPORAL: 1, Part.SPATIAL: 2}
KIND_COUNT: Final = 3
NAME_TOKENS: Final = LABEL_TOKENS // 2
_FULL: Final = 59  # the number of the last of 60 temporal entries


class DemoProjector(nn.Module):
    """Projects one packed memory; in fp32 or bf16 (what names things always in fp32).

    options: {"channels": D, "labels": number of labels, "rank": of the residual, "names": of
    actors, "dimensions": of the space they are compared in}.
    """

    def __init__(self, options: Mapping[str, Any], hidden_size: int) -> None:
        super().__init__()
        channels, labels = int(options["channels"]), int(options["labels"])
        rank, names = int(options["rank"]), int(options["names"])

        def fixed(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(*shape), requires_grad=False)

        self.hidden_size = hidden_size
        self.classifier_weight = fixed(labels, channels)
        self.classifier_bias = fixed(labels)
        self.label_tokens = fixed(labels, LABEL_TOKENS, hidden_size)
        self.name_tokens = fixed(names, NAME_TOKENS, hidden_size)
        self.mark_words = fixed(len(MARK_WORDS), hidden_size)
        self.reader = ActorReader(channels, int(options["dimensions"]), names)
        self.log_temperature = nn.Parameter(torch.full((KIND_COUNT,), -1.2))
        self.kinds = nn.Parameter(torch.zeros(KIND_COUNT, LABEL_TOKENS, hidden_size))
        self.scales = nn.Parameter(torch.tensor([0.3, 1.0, 1.0]))
        self.acting = nn.Parameter(torch.zeros(LABEL_TOKENS, hidden_size))
        self.novel = nn.Parameter(torch.zeros(NAME_TOKENS, hidden_size))
        self.order = nn.Parameter(torch.zeros(2, hidden_size))
        self.down = nn.Parameter(torch.zeros(rank, hidden_size))
        self.up = nn.Parameter(torch.zeros(hidden_size, rank))

    def forward(self, features: Tensor, meta: Tensor) -> Tensor:
        """features [N, D], meta int [R, 5] (see `pack`) → [M, hidden_size], M = token_count."""
        table: list[list[int]] = meta.tolist()
        sizes = [row[1] for row in table]
        if sum(sizes) != features.shape[0]:
            raise ValueError(f"meta speaks of {sum(sizes)} rows, features have {features.shape[0]}")
        if not table:
            return self.mark_words.new_zeros(0, self.hidden_size)
        entries = list(torch.split(features.float(), sizes))
        kinds = torch.tensor([KINDS[Part(row[0])] for row in table], device=features.device)
        seen = self._scenes(torch.stack([entry.mean(0) for entry in entries]), kinds)
        framed = [number for number, row in enumerate(table) if row[0] != Part.ABSTRACT]
        if framed:
            seen = self._act(seen, framed, entries, [row[4] for row in table])
        seen = seen + self.kinds[kinds]
        ranks = iter(self._ranks(sum(part == Part.TEMPORAL for part, *_ in table)))
        out: list[Tensor] = []
        for number, (part, _, value, unit, _) in enumerate(table):
            if part == Part.ABSTRACT:
                out.append(seen[number].mean(0, keepdim=True))
                continue
            out.append(self.mark_words[list(_mark(value, unit))])
            out.append(seen[number] + next(ranks) if part == Part.TEMPORAL else seen[number])
        return torch.cat(out)

    def read(self, entries: Sequence[Tensor], weights: Sequence[int]) -> tuple[Tensor, Tensor]:
        """(names int64[E, 2], present float32[E, 2]) of entries [CELLS or 2·CELLS, D], each shown
        for so many frames: of two views of one entry, the one that shows something more surely."""
        first = torch.stack([entry[:CELLS] for entry in entries])
        background = background_of(first, torch.tensor(weights, device=first.device))
        views = torch.cat([entry.reshape(-1, CELLS, entry.shape[-1]) for entry in entries])
        reading = self.reader(views, background)
        surest: list[int] = []
        at = 0
        for entry in entries:
            count = len(entry) // CELLS
            surest.append(at + int(reading.present[at : at + count, 0].argmax()))
            at += count
        return reading.names[surest], reading.present[surest]

    def words(self, entries: Sequence[Tensor], weights: Sequence[int]) -> Tensor:
        """[E, LABEL_TOKENS, hidden_size] fp32: the names of what temporal entries show, as the LLM
        embeds them, nothing trained added. Arguments as of `read`."""
        means = torch.stack([entry.float().mean(0) for entry in entries])
        kinds = torch.full((len(entries),), KINDS[Part.TEMPORAL], device=means.device)
        share = self.probabilities(means, kinds)
        scenes = torch.einsum("vk,kth->vth", share, self.label_tokens.float())
        names, present = self.read([entry.float() for entry in entries], weights)
        acting = self.name_tokens.float()[names] * present[..., None, None]
        return scenes * (1 - present[:, :1, None]) + acting.flatten(1, 2)

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

    def _scenes(self, pictures: Tensor, kinds: Tensor) -> Tensor:
        """[V, D] → [V, LABEL_TOKENS, hidden_size]."""
        dtype = self.label_tokens.dtype
        share = self.probabilities(pictures, kinds).to(dtype)
        return self._named(torch.einsum("vk,kth->vth", share, self.label_tokens), kinds)

    def _named(self, tokens: Tensor, kinds: Tensor) -> Tensor:
        tokens = tokens + F.linear(F.linear(tokens, self.down), self.up)
        return tokens * self.scales[kinds, None, None]

    def _act(
        self, seen: Tensor, framed: list[int], entries: list[Tensor], weights: list[int]
    ) -> Tensor:
        """The tokens of entries, actors in the place of scenes as surely as they are there."""
        with torch.no_grad():
            names, present = self.read(
                [entries[number] for number in framed], [weights[number] for number in framed]
            )
            new = novelty(names, present).to(seen.dtype)
        present = present.to(seen.dtype)
        acting = self.name_tokens[names] * present[..., None, None]
        acting = acting + self.novel * new[..., None, None]
        tokens = acting.flatten(1, 2) + self.acting * present[:, :1, None]
        at = torch.tensor(framed, device=seen.device)
        mixed = seen[at] * (1 - present[:, :1, None]) + tokens
        return seen.index_copy(0, at, mixed)


def novelty(names: Tensor, present: Tensor) -> Tensor:
    """How surely each name is there and was in no entry before: [E, 2] of names int64[E, 2] and
    present float32[E, 2], entries in the order of time."""
    same = names[:, :, None, None] == names[None, None]  # [E, 2, E, 2]
    earlier = torch.ones(len(names), len(names), dtype=torch.bool, device=names.device).tril(-1)
    shown = torch.where(same & earlier[:, None, :, None], present[None, None], 0.0)
    return present * (1 - shown.flatten(2).amax(-1))


def _mark(value: int, unit: int) -> tuple[int, ...]:
    """Rows of `mark_words` that make a time mark: "\n040s:", or now."""
    if unit == NOW:
        return _NOW
    digits = tuple(value // 10**place % 10 for place in reversed(range(DIGITS)))
    return (_NEWLINE, *digits, 10 + unit, _COLON)
