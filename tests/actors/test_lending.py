"""Pictures stay at hand as long as an answer may take, and no longer."""

import numpy as np

from flashstream.actors.lending import Lending
from flashstream.memory_store.star import StarConfig, StarMemory


def test_pictures_are_held_for_their_time_and_then_let_go() -> None:
    config = StarConfig(
        spatial_grid=1, temporal_grid=1, retrieved_grid=1, temporal_slots=2, abstract_slots=1
    )
    memory = StarMemory(config, 1, 2, stream="s")
    now = 0.0
    lending = Lending(10.0, clock=lambda: now)

    def see(value: float) -> list[str]:
        features = np.full((1, 1, 2), value, dtype=np.float16)
        memory.observe(features, value, f"jpeg {value}".encode())
        snapshot = memory.snapshot()
        lending.lend(snapshot, memory.picture)
        return [picture for pictures in snapshot.slots.pictures for picture in pictures]

    (first,) = see(1.0)
    for value in range(2, 30):
        now = float(value) / 4
        see(value)
    assert lending.picture(first) == b"jpeg 1.0"
    now = 100.0
    see(1000.0)
    held = {p for pictures in memory.snapshot().slots.pictures for p in pictures}
    assert len(lending) == len(held)
    assert lending.picture("unknown") is None
