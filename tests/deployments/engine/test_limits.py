"""What of a memory item is refused at the door."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from flashstream.deployments.engine.limits import ItemLimits, projector_class


@dataclass
class Config:
    memory_projector: dict[str, Any] = field(
        default_factory=lambda: {
            "class": "support.tiny_projector:TinyProjector",
            "channels": 4,
            "columns": 2,
        }
    )
    memory_max_tokens: int | None = 3


LIMITS = ItemLimits.from_config(Config())


def item(**changed: Any) -> dict[str, Any]:
    good = {
        "features": torch.zeros(3, 4, dtype=torch.float16),
        "meta": torch.zeros(3, 2, dtype=torch.int64),
        "tokens": 3,
    }
    return good | changed


def test_both_float_types_are_taken() -> None:
    LIMITS.check(item())
    LIMITS.check(item(features=torch.zeros(9, 4, dtype=torch.float32)))


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (None, "NoneType"),
        ({"features": torch.zeros(3, 4)}, "features, meta and tokens"),
        (item(positions=1), "positions"),
        (item(features=[[0.0]]), r"features is a list; accepted: float16 or float32 \[≥ 1, 4\]"),
        (item(features=torch.zeros(3, 4, dtype=torch.bfloat16)), r"bfloat16 \[3, 4\]"),
        (item(features=torch.zeros(3, 5, dtype=torch.float16)), r"float16 \[3, 5\]"),
        (item(features=torch.zeros(0, 4, dtype=torch.float16)), r"float16 \[0, 4\]"),
        (item(features=torch.zeros(4, dtype=torch.float16)), r"float16 \[4\]"),
        (item(features=torch.full((3, 4), torch.inf, dtype=torch.float16)), "infinity"),
        (item(features=torch.full((3, 4), torch.nan)), "NaN"),
        (item(meta=torch.zeros(3, 2)), r"meta is float32 \[3, 2\]"),
        (item(meta=torch.zeros(3, 3, dtype=torch.int64)), r"int64 \[3, 3\]"),
        (item(meta=torch.zeros(0, 2, dtype=torch.int64)), r"int64 \[0, 2\]"),
        (item(tokens=0), "0 tokens; accepted: 1 to 3"),
        (item(tokens=4), "4 tokens; accepted: 1 to 3"),
        (item(tokens=3.0), "3.0 tokens"),
        (item(tokens=2), "says 2 tokens, but the projector makes 3"),
    ],
)
def test_refusals_say_what_is_wrong(bad: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        LIMITS.check(bad)


def test_a_projector_that_says_nothing_of_columns_or_tokens() -> None:
    LIMITS.check(item())
    silent = ItemLimits(channels=4, columns=None, max_tokens=3)
    silent.check(item(meta=torch.zeros(1, 7, dtype=torch.int64), tokens=2))


@pytest.mark.parametrize(
    "path", ["", "support.tiny_projector", "support.tiny_projector:Nothing", "json:JSONDecoder"]
)
def test_projector_paths_that_name_no_module_class(path: str) -> None:
    with pytest.raises(ValueError, match=r"memory_projector\.class"):
        projector_class({"class": path})


def test_incomplete_config() -> None:
    with pytest.raises(ValueError, match="memory_max_tokens"):
        ItemLimits.from_config(Config(memory_max_tokens=None))
