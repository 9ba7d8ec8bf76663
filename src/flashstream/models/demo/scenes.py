"""Synthetic sights and memories: what the demo model learns from.

A sight is a real background's features plus as much of a label's classifier prototype as gives the
label a wanted probability, sometimes with a confusable runner-up. A story is a row of scenes, shown
frame by frame to the product's own STAR memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.abstract import SemanticAttention
from flashstream.memory_store.pooling import pool
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star import StarConfig, StarMemory
from flashstream.models.demo.pack import CELLS, GRID

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scene:
    """A thing that was in view from one time to another (Unix seconds), through some frames."""

    label: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Story:
    """A synthetic memory and the truth about it, oldest scene first."""

    snapshot: MemorySnapshot
    scenes: tuple[Scene, ...]

    def label_at(self, time_s: float) -> int:
        """What was in view at a moment of the story."""
        label = self.scenes[0].label
        for scene in self.scenes:
            if scene.start_s <= time_s:
                label = scene.label
        return label


class Painter:
    """Makes features of sights out of backgrounds [B, CELLS, D] and the classifier (W, b)."""

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
        self._rng = rng

    @property
    def channels(self) -> int:
        return int(self._weight.shape[1])

    def alike(self, label: int) -> int:
        """A label that the classifier may confuse with this one."""
        likeness = self._prototypes @ self._prototypes[label]
        return int(self._rng.choice(np.argsort(-likeness)[1:6]))

    def sight(self, label: int, probability: float) -> Features:
        """[CELLS, D] whose mean gives `label` the probability (more if it would not win)."""
        rng = self._rng
        cells = self._backgrounds[rng.integers(len(self._backgrounds))]
        mean = cells.mean(0)
        spread = (cells - mean) * rng.uniform(0.5, 1.3)
        centre = mean * rng.uniform(0.5, 1.0)
        if rng.random() < 0.35:
            centre = centre + rng.uniform(1.0, 4.0) * self._prototypes[self.alike(label)]
        start = self._weight @ centre + self._bias
        step = self._weight @ self._prototypes[label]
        low, high = -5.0, 60.0
        for _ in range(24):
            middle = (low + high) / 2
            margin = np.delete(start + middle * step, label) - (start + middle * step)[label]
            share = 1.0 / (1.0 + np.exp(np.clip(margin, -50, 50)).sum())
            if share < probability or margin.max() > -0.3:
                low = middle
            else:
                high = middle
        out: Features = (spread + centre + high * self._prototypes[label]).astype(np.float32)
        return out

    def shift(self, size: float) -> Features:
        """[CELLS, D] a change as zoom and pan make it."""
        other = self._backgrounds[self._rng.integers(len(self._backgrounds))]
        out: Features = (other - other.mean(0)) * np.float32(size)
        return out


class Storyteller:
    """Makes memories: scenes in a row, in seconds up to days."""

    def __init__(
        self,
        painter: Painter,
        config: StarConfig,
        attention: SemanticAttention | None,
        labels: int,
        rng: np.random.Generator,
    ) -> None:
        self._painter, self._config, self._attention = painter, config, attention
        self._labels = labels
        self._rng = rng

    def story(self, frames: int) -> Story:
        """A memory of that many frames."""
        rng, painter = self._rng, self._painter
        counts = self._counts(frames)
        labels = self._scene_labels(len(counts))
        as_of = float(rng.uniform(1.6e9, 2.0e9))
        gaps = self._gaps(frames)
        times = as_of - (gaps.sum() - np.cumsum(gaps))
        shown: list[tuple[int, list[Features]]] = []
        for label, count in zip(labels, counts, strict=True):
            sight = painter.sight(label, self._probability())
            drift = painter.shift(rng.uniform(0.0, 0.4) / count)
            sway = rng.uniform(0.0, 0.15)
            shown.append(
                (
                    label,
                    [
                        sight * np.float32(rng.uniform(0.97, 1.03))
                        + step * drift
                        + painter.shift(sway)
                        for step in range(count)
                    ],
                )
            )
        return tell(self._config, self._attention, shown, times.tolist())

    def _counts(self, frames: int) -> list[int]:
        """Frames of each scene, at least one."""
        scenes = min(frames, int(self._rng.integers(1, 9)))
        cuts = np.sort(self._rng.choice(np.arange(1, frames), scenes - 1, replace=False))
        return [int(n) for n in np.diff([0, *cuts.tolist(), frames])]

    def _scene_labels(self, count: int) -> list[int]:
        """A label may come back, and one may look like another, but never follows itself."""
        rng = self._rng
        labels: list[int] = []
        for _ in range(count):
            if len(labels) > 1 and rng.random() < 0.12:
                label = labels[int(rng.integers(len(labels) - 1))]
            elif labels and rng.random() < 0.1:
                label = self._painter.alike(labels[-1])
            else:
                label = int(rng.integers(self._labels))
            if labels and label == labels[-1]:
                label = (label + int(rng.integers(1, self._labels))) % self._labels
            labels.append(label)
        return labels

    def _gaps(self, frames: int) -> NDArray[np.float64]:
        """Seconds before each frame: mostly a demo's, sometimes as for a memory of days."""
        rng = self._rng
        scale = float(np.exp(rng.uniform(np.log(0.4), np.log(6.0))))
        uneven = 0.1
        if rng.random() < 0.3:
            scale *= float(np.exp(rng.uniform(0.0, np.log(3e3))))
            uneven = 1.0
        gaps: NDArray[np.float64] = scale * np.exp(rng.normal(0.0, uneven, frames))
        return gaps

    def _probability(self) -> float:
        return float(np.clip(self._rng.beta(1.6, 1.2), 0.12, 0.99))


def tell(
    config: StarConfig,
    attention: SemanticAttention | None,
    shown: Sequence[tuple[int, Sequence[Features]]],
    times: Sequence[float],
) -> Story:
    """The memory of scenes, each a label and the features [CELLS, D] of its frames, at these Unix
    times."""
    channels = shown[0][1][0].shape[1]
    memory = StarMemory(config, GRID, channels, stream="story", epoch=1, attention=attention)
    scenes: list[Scene] = []
    number = 0
    for label, frames in shown:
        scenes.append(Scene(label, times[number], times[number + len(frames) - 1]))
        for frame in frames:
            grid = frame.reshape(GRID, GRID, channels).astype(np.float16)
            memory.observe(grid, times[number], b"")
            number += 1
    return Story(memory.snapshot(), tuple(scenes))


def cells_of(grid: NDArray[np.float16]) -> Features:
    """Average-pool patch features [G, G, D] to the memory's → [CELLS, D]."""
    pooled = pool(grid.astype(np.float32), GRID)
    out: Features = pooled.reshape(CELLS, -1)
    return out
