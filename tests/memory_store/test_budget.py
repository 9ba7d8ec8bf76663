"""The byte budget: kept at every step, and honest about what the process holds."""

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memories import Kind, watch

from flashstream.memory_store.flash import FlashConfig, FlashMemory, FlashStep
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.star import StarConfig, StarMemory

GRIDS = st.sampled_from([1, 2, 4])


def seen_by(memory: StreamMemory[Any], count: int) -> list[Any]:
    """That many different frames or steps of the memory's sizes."""
    rng = np.random.default_rng(count)

    def noise(grid: int) -> Any:
        return rng.normal(size=(grid, grid, memory.channels)).astype(np.float16)

    if isinstance(memory, FlashMemory):
        config = memory.config
        return [FlashStep(noise(config.csm_grid), noise(config.dam_grid)) for _ in range(count)]
    assert isinstance(memory, StarMemory)
    return [noise(memory.grid) for _ in range(count)]


@st.composite
def memories(draw: st.DrawFn) -> tuple[StreamMemory[Any], int]:
    """An empty memory, and the bytes of the largest thumbnail it takes."""
    slots, candidates = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    shown, channels = draw(st.integers(0, 8)), draw(st.integers(1, 9))
    thumbnail_bytes = draw(st.integers(0, 5000))
    if draw(st.booleans()):
        flash = FlashConfig(
            csm_slots=slots,
            csm_grid=draw(GRIDS),
            dam_slots=shown,
            dam_grid=draw(GRIDS),
            candidates=candidates,
            thumbnail_bytes=thumbnail_bytes,
        )
        return FlashMemory(flash, channels, stream="yard"), thumbnail_bytes
    star = StarConfig(
        spatial_frames=draw(st.integers(1, 3)),
        spatial_grid=draw(GRIDS),
        temporal_slots=slots,
        temporal_grid=draw(GRIDS),
        abstract_slots=draw(st.integers(1, 4)),
        retrieved_slots=shown,
        retrieved_grid=draw(GRIDS),
        candidates=candidates,
        thumbnail_bytes=thumbnail_bytes,
    )
    return StarMemory(star, 4, channels, stream="yard"), thumbnail_bytes


@settings(max_examples=40)
@given(memories(), st.integers(0, 40))
def test_the_budget_is_never_exceeded(made: tuple[StreamMemory[Any], int], count: int) -> None:
    """All thumbnails are of the largest size, and a snapshot is taken of every version."""
    memory, largest = made
    budget = memory.budget()
    assert memory.nbytes() <= budget
    for number, features in enumerate(seen_by(memory, count)):
        memory.observe(features, float(number), bytes(largest))
        memory.snapshot()
        assert memory.nbytes() <= budget == memory.budget()


def _held_by_memory() -> int:
    """Traced bytes but for those that other tests' threads may have taken meanwhile."""
    own = [tracemalloc.Filter(True, f"*{part}*") for part in ("memory_store", "numpy")]
    traced = tracemalloc.take_snapshot().filter_traces(own)
    return sum(found.size for found in traced.statistics("filename"))


@pytest.mark.parametrize(
    "memory",
    [
        StarMemory(StarConfig(temporal_slots=9, thumbnail_bytes=20_000), 16, 128, stream="yard"),
        FlashMemory(
            FlashConfig(csm_slots=9, dam_slots=5, thumbnail_bytes=20_000), 64, stream="yard"
        ),
    ],
    ids=["star", "flash"],
)
def test_nbytes_is_what_the_process_holds(memory: StreamMemory[Any]) -> None:
    """But for the Python objects around the arrays; and once full, the budget is all used."""
    seen = seen_by(memory, 120)
    empty = memory.nbytes()
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(120):
            memory.observe(seen[number], float(number), bytes([number]) * 20_000)
        memory.snapshot()
        gc.collect()
        grown = _held_by_memory()
    finally:
        tracemalloc.stop()
    assert grown == pytest.approx(memory.nbytes() - empty, rel=0.03)
    assert 0.9 * memory.budget() <= memory.nbytes() <= memory.budget()


def test_all_is_counted_from_the_start(kind: Kind) -> None:
    """What an empty memory holds, too: its working arrays are made once, for good."""
    kind.empty(channels=512, slots=40)
    gc.collect()
    tracemalloc.start()
    try:
        memory = kind.empty(channels=512, slots=40)
        held = _held_by_memory()
    finally:
        tracemalloc.stop()
    assert held == pytest.approx(memory.nbytes(), rel=0.03)


def test_bytes_do_not_grow(kind: Kind) -> None:
    """They end within what one slot more or less remembers."""
    memory, seen = kind.empty(thumbnail_bytes=9), kind.seen(1000)
    watch(memory, seen[:200])
    memory.snapshot()
    early = memory.nbytes()
    watch(memory, seen[200:], start=200)
    memory.snapshot()
    assert abs(memory.nbytes() - early) <= 4 * 4 * 6 * 2 + 2 * 2 * 6 * 2 + 9
    assert memory.budget() - memory.nbytes() < 1000


def test_a_restored_memory_keeps_to_its_budget(kind: Kind) -> None:
    memory = kind.watched(60, thumbnail_bytes=9)
    fewer = kind.empty(candidates=1, thumbnail_bytes=7)
    fewer.restore(memory.state())
    fewer.snapshot()
    assert fewer.nbytes() <= fewer.budget() < memory.budget()
