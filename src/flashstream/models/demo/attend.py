"""Learns the abstract memory's projections: a frame is to be drawn to the row of its own thing.

Semantic attention scores rows of memory by (W_q·m)·(W_k·f)/√d (arXiv 2406.08085 §3.2). Here W_q and
W_k are learned by contrast: of frames of train worlds taken for rows, the one that shows what a
frame shows, in another world, is to have the highest score.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import Tensor
from torch.nn import functional as F

from flashstream.memory_store.abstract import SemanticAttention
from flashstream.models.demo.bank import Bank

WIDTH = 64
STEPS = 600
BATCH = 96
HELD_OUT = 0.15  # of the worlds: what the figures are of
_RATE = 2e-3
_CLEARLY = 0.7


@dataclass(frozen=True, slots=True)
class Attention:
    """query, key: float16[WIDTH, D]. drawn, plain: of frames of worlds held out, how many have
    the highest score with the row of their own thing of `BATCH`, with these and with identities."""

    query: NDArray[np.float16]
    key: NDArray[np.float16]
    drawn: float
    plain: float

    def semantic(self) -> SemanticAttention:
        """As a memory takes it."""
        return SemanticAttention(self.query.astype(np.float32), self.key.astype(np.float32))

    def save(self, path: Path) -> None:
        """Write what `SemanticAttention.load` reads."""
        save_file({"query": self.query, "key": self.key}, path)


def fit_attention(bank: Bank, seed: int) -> Attention:
    """The same bank and seed give the same projections."""
    frames, things = _single(bank)
    means = torch.from_numpy(bank.features[frames].astype(np.float32).mean((1, 2)))
    worlds = np.array(bank.worlds)[frames]
    last = np.quantile(worlds, 1 - HELD_OUT)
    known = _by_thing(things, worlds <= last)
    unknown = _by_thing(things, worlds > last)
    rng = np.random.default_rng([seed, 3])
    generator = torch.Generator().manual_seed(seed)
    scale = means.std(0).mean()
    query, key = (
        torch.nn.Parameter(
            torch.randn(WIDTH, means.shape[1], generator=generator) / (scale * WIDTH**0.5)
        )
        for _ in range(2)
    )
    with torch.no_grad():
        key.copy_(query)
    optimizer = torch.optim.AdamW([query, key], lr=_RATE / float(scale), weight_decay=0.02)
    for _ in range(STEPS):
        rows, asked = _pairs(known, rng)
        loss = F.cross_entropy(
            _scores(means[rows], means[asked], query, key), torch.arange(len(rows))
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        drawn, plain = [], []
        for _ in range(20):
            rows, asked = _pairs(unknown, rng)
            wanted = torch.arange(len(rows))
            learnt = _scores(means[rows], means[asked], query, key)
            drawn.append((learnt.argmax(1) == wanted).float().mean())
            plain.append(((means[asked] @ means[rows].T).argmax(1) == wanted).float().mean())
    return Attention(
        query.detach().numpy().astype(np.float16),
        key.detach().numpy().astype(np.float16),
        float(torch.stack(drawn).mean()),
        float(torch.stack(plain).mean()),
    )


def _scores(rows: Tensor, asked: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """[asked, rows]."""
    scores: Tensor = (asked @ key.T) @ (rows @ query.T).T / WIDTH**0.5
    return scores


def _single(bank: Bank) -> tuple[list[int], list[str]]:
    frames, things = [], []
    for frame, seen in enumerate(bank.sightings):
        if len(seen) == 1 and seen[0].share >= _CLEARLY:
            frames.append(frame)
            things.append(seen[0].name)
    return frames, things


def _by_thing(things: Sequence[str], chosen: NDArray[np.bool_]) -> list[list[int]]:
    """The numbers of each thing's frames, of things with at least four."""
    out: dict[str, list[int]] = defaultdict(list)
    for number in np.flatnonzero(chosen).tolist():
        out[things[number]].append(number)
    return [numbers for numbers in out.values() if len(numbers) >= 4]


def _pairs(by_thing: Sequence[Sequence[int]], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Two frames of each of `BATCH` things, or of as many as there are."""
    count = min(BATCH, len(by_thing))
    pairs = [
        rng.choice(by_thing[int(thing)], 2, replace=False)
        for thing in rng.choice(len(by_thing), count, replace=False)
    ]
    both = torch.from_numpy(np.stack(pairs))
    return both[:, 0], both[:, 1]
