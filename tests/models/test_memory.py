"""The memory that a family was made for."""

from typing import cast

import numpy as np

from flashstream.memory_store.abstract import SemanticAttention
from flashstream.memory_store.star import StarConfig
from flashstream.models.family import ModelFamily
from flashstream.models.memory import empty_memory


class Family:
    grid, channels = 2, 3
    memory = StarConfig(spatial_grid=1, temporal_grid=1, retrieved_grid=1, abstract_slots=2)

    def __init__(self, attention: SemanticAttention | None) -> None:
        self._attention = attention

    def fingerprint(self) -> str:
        return "beef"

    def attention(self) -> SemanticAttention | None:
        return self._attention


def test_a_familys_memory_has_its_sizes_name_and_attention() -> None:
    blind = SemanticAttention(np.zeros((1, 3), np.float32), np.zeros((1, 3), np.float32))
    rows = []
    for attention in (None, blind):
        memory = empty_memory(cast(ModelFamily, Family(attention)), "yard", epoch=7)
        assert (memory.stream, memory.epoch, memory.fingerprint) == ("yard", 7, "beef")
        assert (memory.config, memory.grid, memory.channels) == (Family.memory, 2, 3)
        for number, value in enumerate((1.0, 5.0, 5.0)):
            memory.observe(np.full((2, 2, 3), value, np.float16), float(number), b"")
        rows.append(memory.view().abstract[:, 0].tolist())
    # Without projections the frame is drawn to the row it resembles; these see no difference.
    assert rows[0][0] < 1.001
    np.testing.assert_allclose(rows[1], [1.4, 5.0], rtol=1e-6)
