"""Synthetic sights and memories: what the demo model learns from.

A sight is a real background's features plus as much of a label's classifier prototype as gives the
label a wanted probability, sometimes with a confusable runner-up. A memory is a row of scenes, each
one or more temporal slots as Ward consolidation leaves them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.demo.pack import QUADRANTS
from flashstream.models.demo.synth import Features, SlotPlan, snapshot_of

ABSTRACT_ROWS = 25
MAX_SLOTS = 25
RETRIEVED = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """A thing that was in view for some consecutive slots: rows `first` up to, not with, `end`."""

    label: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Story:
    """A synthetic memory and the truth about it, oldest scene first."""

    snapshot: MemorySnapshot
    scenes: tuple[Scene, ...]


class Painter:
    """Makes features of sights out of backgrounds [B, 4, D] and the classifier (W, b)."""

    def __init__(
        self,
        backgrounds: Features,
        weight: Features,
        bias: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> None:
        self._backgrounds = backgrounds
        self._weight, self._bias = weight, bias
        centred = weight - weight.mean(0)
        self._prototypes = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        self._alike = np.argsort(-(self._prototypes @ self._prototypes.T), axis=1)[:, 1:6]
        self._rng = rng

    def alike(self, label: int) -> int:
        """A label that the classifier confuses with this one."""
        return int(self._rng.choice(self._alike[label]))

    def sight(self, label: int, probability: float) -> Features:
        """[4, D] features whose mean gives `label` the probability, or a little more if another
        label would win."""
        rng = self._rng
        quadrants = self._backgrounds[rng.integers(len(self._backgrounds))].copy()
        mean = quadrants.mean(0)
        quadrants = (quadrants - mean) * rng.uniform(0.5, 1.3)
        centre = mean * rng.uniform(0.5, 1.0)
        if rng.random() < 0.35:
            centre = centre + rng.uniform(1.0, 4.0) * self._prototypes[self.alike(label)]
        start = self._weight @ centre + self._bias
        step = self._weight @ self._prototypes[label]
        low, high = -5.0, 60.0
        for _ in range(24):
            middle = (low + high) / 2
            logits = start + middle * step
            others = np.delete(logits, label)
            share = 1.0 / (1.0 + np.exp(np.clip(others - logits[label], -50, 50)).sum())
            if share < probability or others.max() > logits[label] - 0.2:
                low = middle
            else:
                high = middle
        return (quadrants + centre + high * self._prototypes[label]).astype(np.float32)

    def again(self, sight: Features) -> Features:
        """The same sight a moment later: as zoom and pan change a picture."""
        other = self._backgrounds[self._rng.integers(len(self._backgrounds))]
        shift = (other - other.mean(0)) * self._rng.uniform(0.0, 0.5)
        return sight * np.float32(self._rng.uniform(0.92, 1.08)) + shift


class Storyteller:
    """Makes memories: scenes in a row, in seconds up to days, as full as asked."""

    def __init__(self, painter: Painter, labels: int, rng: np.random.Generator) -> None:
        self._painter = painter
        self._labels = labels
        self._rng = rng

    def story(self, slots: int) -> Story:
        """A memory of that many temporal slots, 1 to 25."""
        rng = self._rng
        scenes = self._scenes(slots)
        lengths = self._lengths(slots)
        as_of = float(rng.uniform(1.6e9, 2.0e9))
        ends = as_of - np.concatenate([np.cumsum(lengths[::-1])[::-1][1:], [0.0]])
        plans: list[SlotPlan] = []
        sights: list[Features] = []
        for scene in scenes:
            sight = self._painter.sight(scene.label, self._probability())
            for row in range(scene.first, scene.end):
                last, length = float(ends[row]), float(lengths[row])
                features = self._painter.again(sight)
                sights.append(features)
                plans.append(
                    SlotPlan(
                        features,
                        last - 0.9 * length,
                        last - length * float(rng.uniform(0.35, 0.55)),
                        last,
                        max(1, round(length)),
                    )
                )
        heaviest = np.argsort([-plan.weight for plan in plans], kind="stable")[:RETRIEVED]
        retrieved = [(int(row), self._painter.again(sights[row])) for row in sorted(heaviest)]
        snapshot = snapshot_of(
            plans, self._painter.again(sights[-1]), as_of, self._abstract(sights), retrieved
        )
        return Story(snapshot, scenes)

    def _scenes(self, slots: int) -> tuple[Scene, ...]:
        """Scenes that fill the slots; a label may come back, but never right after itself."""
        rng = self._rng
        count = min(slots, int(rng.integers(1, 9)))
        cuts = np.sort(rng.choice(np.arange(1, slots), count - 1, replace=False))
        bounds = [0, *cuts.tolist(), slots]
        labels: list[int] = []
        for _ in range(count):
            if len(labels) > 1 and rng.random() < 0.15:
                label = labels[int(rng.integers(len(labels) - 1))]
            elif labels and rng.random() < 0.1:
                label = self._painter.alike(labels[-1])
            else:
                label = int(rng.integers(self._labels))
            if labels and label == labels[-1]:
                label = (label + int(rng.integers(1, self._labels))) % self._labels
            labels.append(label)
        return tuple(Scene(label, bounds[i], bounds[i + 1]) for i, label in enumerate(labels))

    def _lengths(self, slots: int) -> NDArray[np.float64]:
        """Seconds that each slot covers: mostly a demo's seconds, sometimes up to a day."""
        rng = self._rng
        scale = float(np.exp(rng.uniform(np.log(1.0), np.log(8.0))))
        if rng.random() < 0.3:
            scale *= float(np.exp(rng.uniform(0.0, np.log(3e3))))
        spread: NDArray[np.float64] = scale * np.exp(rng.normal(0.0, 0.5, slots))
        return spread

    def _probability(self) -> float:
        return float(np.clip(self._rng.beta(1.6, 1.2), 0.12, 0.99))

    def _abstract(self, sights: list[Features]) -> Features:
        """Rows that have drifted towards what was seen, the newest most (semantic attention)."""
        rng = self._rng
        means = np.stack([sight.mean(0) for sight in sights])
        decay = np.exp(-np.arange(len(means))[::-1] / rng.uniform(1.0, 10.0))
        share = rng.dirichlet(np.full(len(means), 0.5), ABSTRACT_ROWS) * decay
        share /= share.sum(1, keepdims=True) + 1e-9
        rows: Features = (share @ means).astype(np.float32)
        return rows


def quadrants_of(grid: NDArray[np.float16]) -> Features:
    """Average-pool patch features [G, G, D] to 2×2 → [4, D]."""
    side = grid.shape[0] // 2
    pooled = grid.astype(np.float32).reshape(2, side, 2, side, -1).mean((1, 3))
    out: Features = pooled.reshape(QUADRANTS, -1)
    return out
