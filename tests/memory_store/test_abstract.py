"""Semantic attention against its formula, written as plain loops."""

from math import exp, sqrt
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from flashstream.errors import SettingError
from flashstream.memory_store.abstract import AbstractMemory, SemanticAttention


def by_loops(
    rows: list[list[float]],
    frame: list[float],
    rate: float,
    query: list[list[float]],
    key: list[list[float]],
) -> list[list[float]]:
    """M ← M·(1 − a) + a·f, a = rate·softmax(q·k/√d) over the rows."""
    asked = [sum(w * x for w, x in zip(line, frame, strict=True)) for line in key]
    scores = []
    for row in rows:
        q = [sum(w * x for w, x in zip(line, row, strict=True)) for line in query]
        scores.append(sum(a * b for a, b in zip(q, asked, strict=True)) / sqrt(len(asked)))
    shares = [rate * exp(s) / sum(exp(t) for t in scores) for s in scores]
    return [
        [m * (1 - a) + a * f for m, f in zip(row, frame, strict=True)]
        for row, a in zip(rows, shares, strict=True)
    ]


@pytest.mark.parametrize("learned", [False, True])
def test_update_follows_the_formula(learned: bool) -> None:
    rng = np.random.default_rng(5)
    identity = np.eye(4, dtype=np.float32)
    query, key = identity, identity
    attention = SemanticAttention()
    if learned:
        query, key = (rng.normal(size=(3, 4)).astype(np.float32) for _ in range(2))
        attention = SemanticAttention(query, key)
    memory = AbstractMemory(3, 4, 0.2, attention)
    frames = rng.normal(size=(12, 4)).astype(np.float32)
    expected: list[list[float]] = []
    for frame in frames:
        memory.observe(frame)
        if len(expected) < 3:
            expected.append(frame.tolist())
        else:
            expected = by_loops(expected, frame.tolist(), 0.2, query.tolist(), key.tolist())
        np.testing.assert_allclose(memory.rows, expected, rtol=1e-4, atol=1e-6)


def test_a_frame_takes_the_rate_in_all() -> None:
    memory = AbstractMemory(5, 8, 0.2, SemanticAttention())
    memory.restore(np.zeros((5, 8), np.float32))
    memory.observe(np.ones(8, np.float32))
    assert memory.rows[:, 0].sum() == pytest.approx(0.2)


def test_huge_features_do_not_overflow() -> None:
    memory = AbstractMemory(2, 4, 0.2, SemanticAttention())
    for sign in (1, -1, 1, 1):
        memory.observe(np.full(4, sign * 60000, np.float32))
    assert np.isfinite(memory.rows).all()


def test_weights_are_loaded(tmp_path: Path) -> None:
    weights = {
        "query": np.arange(6, dtype=np.float32).reshape(2, 3),
        "key": np.ones((2, 3), np.float32),
    }
    save_file(weights, tmp_path / "attention.safetensors")
    loaded = SemanticAttention.load(tmp_path / "attention.safetensors")
    assert loaded.query is not None
    assert np.array_equal(loaded.query, weights["query"])
    assert loaded.key is not None
    assert np.array_equal(loaded.key, weights["key"])


def test_bad_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none\.safetensors cannot be read"):
        SemanticAttention.load(tmp_path / "none.safetensors")
    save_file({"query": np.ones((2, 3), np.float32)}, tmp_path / "half.safetensors")
    with pytest.raises(SettingError, match="no tensor 'key'"):
        SemanticAttention.load(tmp_path / "half.safetensors")
    square = np.ones((3, 3), np.float32)
    with pytest.raises(SettingError, match=r"one shape"):
        SemanticAttention(square, square[:2])
    for bad in (np.nan, np.inf):
        with pytest.raises(SettingError, match="key matrix has NaN or infinity"):
            SemanticAttention(square, np.where(np.eye(3, dtype=bool), bad, square))
    with pytest.raises(SettingError, match="or neither"):
        SemanticAttention(square)
    with pytest.raises(SettingError, match="takes 3 channels; features have 4"):
        AbstractMemory(2, 4, 0.2, SemanticAttention(square, square))
