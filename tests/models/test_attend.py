from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.sketches import TWO_HANDS, Sketches, here
from threadpoolctl import threadpool_limits

from flashstream.memory_store.abstract import SemanticAttention
from flashstream.models.demo import attend
from flashstream.models.demo.attend import WIDTH, Attention, fit_attention
from flashstream.models.demo.bank import Bank

CHANNELS = 96
SKETCHES = Sketches(CHANNELS)
DRAWINGS = TWO_HANDS[:24]  # of twelve things


@pytest.fixture(scope="module")
def bank() -> Bank:
    return SKETCHES.bank(DRAWINGS, worlds=14, each=14)


def _fit(bank: Bank, seed: int) -> Attention:
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        patch.setattr(attend, "STEPS", 120)
        return fit_attention(bank, seed)


@pytest.fixture(scope="module")
def attention(bank: Bank) -> Attention:
    return _fit(bank, 5)


def test_frames_are_drawn_to_their_own_things_in_worlds_held_out(attention: Attention) -> None:
    assert attention.drawn > attention.plain + 0.2
    assert attention.drawn > 0.8
    assert attention.query.shape == attention.key.shape == (WIDTH, CHANNELS)
    assert attention.query.dtype == attention.key.dtype == np.float16


def test_a_memory_s_scores_draw_a_frame_to_the_row_of_its_thing(attention: Attention) -> None:
    """Rows in one world, frames in another, none of them of the bank."""
    rows, frames = (
        np.stack(
            [
                SKETCHES.frame(world, [here(*drawing, 0.5)], number=500).mean((0, 1))
                for drawing in DRAWINGS[::2]
            ]
        ).astype(np.float32)
        for world in (70, 71)
    )
    semantic = attention.semantic()
    found = [int(semantic.scores(rows, frame).argmax()) for frame in frames]
    assert np.mean(np.array(found) == np.arange(len(rows))) > 0.8


def test_the_same_bank_and_seed_give_the_same(bank: Bank, attention: Attention) -> None:
    again, other = _fit(bank, 5), _fit(bank, 6)
    assert np.array_equal(again.query, attention.query)
    assert np.array_equal(again.key, attention.key)
    assert (again.drawn, again.plain) == (attention.drawn, attention.plain)
    assert not np.array_equal(other.query, attention.query)


def test_the_figures_are_of_worlds_that_nothing_is_learnt_from(bank: Bank) -> None:
    """Where names are exchanged in the last two worlds alone, nothing can be drawn to its own."""
    rng = np.random.default_rng(0)
    words = [word for word, _ in DRAWINGS]
    sightings = [
        tuple(replace(one, name=words[int(rng.integers(len(words)))]) for one in seen)
        if world >= 12
        else seen
        for world, seen in zip(bank.worlds, bank.sightings, strict=True)
    ]
    assert _fit(replace(bank, sightings=sightings), 5).drawn < 0.3


def test_a_memory_loads_what_was_saved(attention: Attention, tmp_path: Path) -> None:
    path = tmp_path / "attention.safetensors"
    attention.save(path)
    loaded, own = SemanticAttention.load(path), attention.semantic()
    rng = np.random.default_rng(0)
    rows = rng.random((5, CHANNELS), np.float32)
    frame = rng.random(CHANNELS, np.float32)
    assert np.array_equal(loaded.scores(rows, frame), own.scores(rows, frame))
    assert not np.allclose(own.scores(rows, frame), SemanticAttention().scores(rows, frame))
    for one, other in ((loaded.query, attention.query), (loaded.key, attention.key)):
        assert one is not None
        assert one.dtype == np.float32
        assert np.array_equal(one, other.astype(np.float32))
