"""The memories that are examined, by name, all with the same sizes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import numpy as np

from flashstream.errors import SettingError
from flashstream.evals.world.exam.kmeans import KMeans
from flashstream.evals.world.exam.sampling import Fifo, Uniform
from flashstream.evals.world.exam.watch import Policy, Product
from flashstream.memory_store.detail import POLICIES as DETAILS
from flashstream.memory_store.snapshot import MemorySnapshot, Slots
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import ModelFamily
from flashstream.models.memory import empty_memory

OURS: Final = "ours"
BLIND: Final = "blind"
USUAL: Final = (OURS, "fifo", "uniform", "streaming_kmeans", BLIND)

VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "papers": {"temper": 1.0, "foresight": 1.0, "saturation": inf, "detail": "heaviest"},
    "untempered": {"temper": 0.0},
    "short_events": {"foresight": 4.0, "saturation": 16.0},
    **{detail: {"detail": detail} for detail in DETAILS},
}
"""The product's memory, chosen otherwise: what differs from the family's settings."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """What a policy may know before it sees the first frame of a world.

    asked_at: how many frames will have been seen when questions come; seed: of random choices.
    """

    stream: str
    asked_at: tuple[int, ...]
    seed: int


_BASELINES: Final[dict[str, Callable[[ModelFamily, Sitting], Policy]]] = {
    "fifo": lambda family, at: Fifo(family, at.stream),
    "uniform": lambda family, at: Uniform(family, at.stream, at.asked_at),
    "streaming_kmeans": lambda family, at: KMeans(family, at.stream, at.seed),
}


def check(names: Sequence[str]) -> tuple[str, ...]:
    """The names as they are to be examined; raises `SettingError` for one that is not known or
    there twice, and if `OURS`, with which all are compared, is not among them."""
    known = (OURS, *_BASELINES, BLIND, *VARIANTS)
    if unknown := [name for name in names if name not in known]:
        raise SettingError(f"no policy is called {unknown[0]!r}; there are: {', '.join(known)}")
    if len(set(names)) != len(names) or OURS not in names:
        raise SettingError(f"policies are {', '.join(names)}; each once and {OURS!r} are taken")
    return tuple(names)


def made(name: str, family: ModelFamily, at: Sitting) -> Policy:
    """An empty memory of a stream; `BLIND` has none (see `nothing`). Raises KeyError."""
    own = Sitting(f"{at.stream} {name}", at.asked_at, at.seed)  # equal uuids are equal memories
    if name in _BASELINES:
        return _BASELINES[name](family, own)
    changes = {} if name == OURS else VARIANTS[name]
    config = StarConfig.model_validate({**family.memory.model_dump(), **changes})
    return Product(empty_memory(family, own.stream, config=config))


def nothing(family: ModelFamily, stream: str, as_of: float) -> MemorySnapshot:
    """The memory of one who has not watched, at a Unix time: no rows at all."""

    def none(kind: type[Any], *shape: int) -> Any:
        return np.zeros((0, *shape), kind)

    moment = none(np.float64)
    return MemorySnapshot(
        stream=stream,
        epoch=0,
        version=0,
        as_of=as_of,
        uuid=f"{stream}:{as_of:.3f}",
        fingerprint=family.fingerprint(),
        frames_seen=0,
        features=none(np.float16, family.channels),
        parts=none(np.int8),
        groups=none(np.int32),
        times=none(np.float64),
        positions=none(np.int32, 3),
        slots=Slots(none(np.int32), none(np.int64), moment, moment, moment, pictures=()),
    )


def remembering(names: Iterable[str]) -> tuple[str, ...]:
    """Those that watch."""
    return tuple(name for name in names if name != BLIND)
