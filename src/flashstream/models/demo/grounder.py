"""Finds the temporal slots that an answer speaks of, in the projector's own token space."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from flashstream.memory_store.snapshot import MemorySnapshot, Part
from flashstream.models.demo.anchor import token_ids
from flashstream.models.demo.clock import moments, slot_at
from flashstream.models.demo.convert import OPTIONS, PROJECTOR_PREFIX
from flashstream.models.demo.pack import pack, slot_order
from flashstream.models.demo.projector import DemoProjector

_STOP_WORDS = (
    "a about after ago all also an and any anything are as at been before by came camera can come "
    "day days did do does first for from had has have hour hours how i in is it its last later me "
    "minute minutes moment no not nothing now of on one or saw second seconds see seeing seen show "
    "showed shows so something than that the their them then there these they thing things this "
    "time to until was were what when where which while who with yes you"
)
_STOP = frozenset(_STOP_WORDS.split())
_QUESTION_SHARE = 0.3
_TIME_BONUS = 0.3
_NOW = re.compile(r"\b(now|currently|at the moment|right now)\b", re.IGNORECASE)


class DemoGrounder:
    """Ranks slots by how near their label tokens are to the answer's (and question's) words.

    The embedding table and the projector are read when first asked.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: tuple[Any, Tensor, DemoProjector] | None = None

    def rank(self, question: str, answer: str, snapshot: MemorySnapshot) -> list[tuple[int, float]]:
        """See `Grounder`. A slot of a time the question speaks of gains, and so, a little,
        does a newer slot: of equals, the newest is shown."""
        slots = snapshot.slots
        if not len(slots.ids):
            return []
        views = self._slot_labels(snapshot)
        relevance = self._near(views, answer) + _QUESTION_SHARE * self._near(views, question)
        relevance /= 1.0 + _QUESTION_SHARE
        for moment in moments(question, snapshot.as_of):
            row = slot_at(slots, moment.time_s)
            if row is not None:
                relevance[row] += _TIME_BONUS
        if _NOW.search(question):
            relevance[int(np.argmax(slots.last_s))] += _TIME_BONUS
        newest = np.argsort(np.argsort(slots.mean_s))
        relevance += 1e-3 * newest / len(newest)
        order = np.argsort(-relevance, kind="stable")
        return [(int(slots.ids[row]), float(np.clip(relevance[row], 0.0, 1.0))) for row in order]

    def _near(self, views: Tensor, text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Of each slot: the mean over the text's best words of the cosine to its nearest token."""
        tokenizer, table, _ = self._load()
        scores = []
        for word in re.findall(r"[^\W\d_]+", text):
            if word.lower() in _STOP:
                continue
            ids = token_ids(tokenizer, f" {word.lower()}")
            tokens = F.normalize(table[ids].float(), dim=-1)
            scores.append((views @ tokens.T).amax(1).mean(-1))
        if not scores:
            return np.zeros(len(views))
        best: np.ndarray[Any, np.dtype[np.float64]] = (
            torch.stack(scores).amax(0).clamp(0.0, 1.0).double().numpy()
        )
        return best

    @torch.inference_mode()
    def _slot_labels(self, snapshot: MemorySnapshot) -> Tensor:
        """[S, LABEL_TOKENS, H] unit tokens of what each slot shows; weak ones stay short."""
        _, _, projector = self._load()
        item = pack(snapshot)
        temporal = item.meta[:, 0] == Part.TEMPORAL
        entries = torch.split(torch.from_numpy(item.features), item.meta[:, 1].tolist())
        tokens = projector.words(
            [entry for entry, wanted in zip(entries, temporal.tolist(), strict=True) if wanted],
            item.meta[temporal, 4].tolist(),
        )
        longest = projector.label_tokens.float().norm(dim=-1).amax()
        unit: Tensor = tokens / tokens.norm(dim=-1, keepdim=True).clamp(min=float(longest) * 0.3)
        return unit[torch.from_numpy(np.argsort(slot_order(snapshot.slots)))]

    def _load(self) -> tuple[Any, Tensor, DemoProjector]:
        if self._loaded is None:
            from transformers import AutoTokenizer

            config = json.loads((self._folder / "config.json").read_text())
            projector = DemoProjector(OPTIONS, int(config["hidden_size"]))
            with safe_open(self._folder / "model.safetensors", framework="pt") as file:
                table = file.get_tensor("model.embed_tokens.weight")
                projector.load_state_dict(
                    {
                        name: file.get_tensor(PROJECTOR_PREFIX + name).float()
                        for name in projector.state_dict()
                    }
                )
            self._loaded = (AutoTokenizer.from_pretrained(self._folder), table, projector)
        return self._loaded
