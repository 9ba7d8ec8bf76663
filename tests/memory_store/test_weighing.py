"""How frames count in the Ward cost, and what is refused."""

from math import inf, nan

import numpy as np
import pytest
from pydantic import ValidationError

from flashstream.errors import SettingError
from flashstream.memory_store.flash import FlashConfig
from flashstream.memory_store.slot_config import SlotConfig
from flashstream.memory_store.star import StarConfig, StarMemory
from flashstream.memory_store.weighing import PAPERS, Weighing


def test_weights_saturate_and_are_then_tempered() -> None:
    weights = np.array([1, 4, 9, 100], np.int64)
    assert PAPERS.slots(weights).tolist() == [1, 4, 9, 100]
    assert Weighing(saturation=9).slots(weights).tolist() == [1, 4, 9, 9]
    assert Weighing(temper=0.5, saturation=9).slots(weights).tolist() == [1, 2, 3, 3]
    assert Weighing(temper=0).slots(weights).tolist() == [1, 1, 1, 1]
    assert (PAPERS.frame, Weighing(0.5, 16.0).frame, Weighing(0.0, 16.0).frame) == (1, 4, 1)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"temper": 1.5}, "temper is 1.5; 0 to 1"),
        ({"temper": nan}, "temper is nan"),
        ({"foresight": 0.5}, "foresight is 0.5; a finite number from 1"),
        ({"foresight": inf}, "foresight is inf"),
        ({"saturation": 0.5}, "saturation is 0.5; a number from 1"),
        ({"saturation": nan}, "saturation is nan"),
    ],
)
def test_other_numbers_are_refused_by_name(changed: dict[str, float], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        Weighing(**changed)


@pytest.mark.parametrize("config", [StarConfig, FlashConfig])
def test_a_config_says_how_its_memory_weighs(config: type[SlotConfig]) -> None:
    assert config().weighing == Weighing(1.0, 32.0, 64.0)
    assert config(foresight=1, saturation=inf).weighing == PAPERS
    for wrong in ({"saturation": nan}, {"saturation": 0.5}, {"foresight": inf}, {"temper": nan}):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            config(**wrong)


def test_the_weighing_reaches_the_slots() -> None:
    """Two slots of two frames each, two far apart: counted as one, the two merge."""

    def weights(saturation: float) -> list[int]:
        sizes = dict.fromkeys(("spatial_grid", "temporal_grid", "retrieved_grid"), 1)
        config = StarConfig(temporal_slots=3, foresight=1, saturation=saturation, **sizes)
        memory = StarMemory(config, 1, 1, stream="yard")
        for number, value in enumerate((0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 3.0, 20.0, 23.5)):
            memory.observe(np.full((1, 1, 1), value, np.float16), float(number), b"")
        return sorted(memory.snapshot().slots.weights.tolist())

    # 4·4/8·3² = 18 and 1·1/2·3.5² = 6.1 by weight; 4.5 and 6.1 if four frames count as one.
    assert weights(inf) == [2, 4, 4]
    assert weights(1) == [1, 1, 8]
