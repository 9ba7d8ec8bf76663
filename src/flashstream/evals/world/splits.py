"""What belongs to which split: no picture, background or seed is in two of them."""

from typing import Final, Literal, get_args

import numpy as np

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.names import NAMES, Name, extras
from flashstream.evals.world.pictures import SETS, Picture

Split = Literal["train", "dev", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

_PURPOSES: Final = ("plan", "stage", "light", "sensor", "questions", "measure")


def split_named(name: str) -> Split:
    """The split of that name; raises `InvalidRequestError` naming those there are."""
    for split in SPLITS:
        if split == name:
            return split
    raise InvalidRequestError(f"there is no split {name!r}; there are: {', '.join(SPLITS)}")


def hands(name: Name) -> dict[Split, tuple[str, ...]]:
    """Which sets draw one of `NAMES` in which split: one the test's worlds, one the dev's if it
    acts there, and the others the train's."""
    kept = (name.test, name.dev)
    return {
        "train": tuple(own for own in SETS if own not in kept),
        "dev": (name.dev,) if name.dev else (),
        "test": (name.test,),
    }


def pictures_of(split: Split) -> list[tuple[Name, Picture]]:
    """The pictures of `NAMES` that may act in a split's worlds."""
    return [
        (name, Picture(name.word, character, own))
        for name in NAMES
        for own in hands(name)[split]
        for character in name.characters
    ]


def extra_pictures() -> list[tuple[Name, Picture]]:
    """The pictures that act in train worlds alone, of things that no other world knows."""
    return [
        (name, Picture(name.word, character, own))
        for name in extras()
        for own in SETS
        for character in name.characters
    ]


def generator(split: Split, seed: int, purpose: str, *more: int) -> np.random.Generator:
    """Random numbers for one purpose of one world; no two splits ever share a sequence."""
    return np.random.default_rng([SPLITS.index(split), seed, _PURPOSES.index(purpose), *more])
