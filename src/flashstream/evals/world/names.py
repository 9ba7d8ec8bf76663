"""The things that act in worlds, by the plain words people use for them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """word: what it is called; group: the plural of what kind of thing it is; characters: those
    that are drawings of it in every set; also: what else it may be called in an answer."""

    word: str
    group: str
    characters: str
    also: tuple[str, ...] = ()


NAMES: Final[tuple[Name, ...]] = (
    Name("cat", "animals", "🐈🐱", ("kitten",)),
    Name("dog", "animals", "🐕🐶", ("puppy",)),
    Name("elephant", "animals", "🐘"),
    Name("penguin", "animals", "🐧"),
    Name("turtle", "animals", "🐢", ("tortoise",)),
    Name("lion", "animals", "🦁"),
    Name("zebra", "animals", "🦓"),
    Name("bus", "vehicles", "🚌🚍", ("coach",)),
    Name("car", "vehicles", "🚗🚘"),
    Name("bicycle", "vehicles", "🚲", ("bike",)),
    Name("tractor", "vehicles", "🚜"),
    Name("sailboat", "vehicles", "⛵", ("boat",)),
    Name("banana", "foods", "🍌"),
    Name("apple", "foods", "🍎"),
    Name("pizza", "foods", "🍕"),
    Name("pineapple", "foods", "🍍"),
    Name("guitar", "things", "🎸"),
    Name("umbrella", "things", "☂"),
    Name("trophy", "things", "🏆"),
    Name("bell", "things", "🔔"),
    Name("cactus", "plants", "🌵"),
    Name("tulip", "plants", "🌷"),
    Name("sunflower", "plants", "🌻"),
    Name("mushroom", "plants", "🍄"),
)
