"""What belongs to which split: no picture, background or seed is in two of them."""

from typing import Final, Literal, get_args

import numpy as np

from flashstream.evals.world.names import NAMES, Name
from flashstream.evals.world.pictures import SETS, Picture

Split = Literal["train", "dev", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

_PURPOSES: Final = ("plan", "stage", "light", "sensor", "questions", "show")


def pictures_of(split: Split) -> list[tuple[Name, Picture]]:
    """The pictures that may act in a split's worlds.

    The three sets take turns from name to name, so that a split knows all names, each drawn by
    another hand than in the other splits, and every hand is seen in every split.
    """
    sets = tuple(SETS)
    out = []
    for number, name in enumerate(NAMES):
        own = sets[(number + SPLITS.index(split)) % len(sets)]
        out += [(name, Picture(name.word, character, own)) for character in name.characters]
    return out


def generator(split: Split, seed: int, purpose: str, *more: int) -> np.random.Generator:
    """Random numbers for one purpose of one world; no two splits ever share a sequence."""
    return np.random.default_rng([SPLITS.index(split), seed, _PURPOSES.index(purpose), *more])
