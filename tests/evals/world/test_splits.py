"""Nothing is shared between splits: pictures, pixels, backgrounds, random numbers."""

from itertools import combinations

import numpy as np
import pytest

from flashstream import media
from flashstream.errors import InvalidRequestError
from flashstream.evals.world.backgrounds import BACKGROUNDS
from flashstream.evals.world.names import NAMES, extras
from flashstream.evals.world.pictures import SETS, PictureBook
from flashstream.evals.world.splits import (
    SPLITS,
    Split,
    extra_pictures,
    generator,
    pictures_of,
    split_named,
)

PAIRS = list(combinations(SPLITS, 2))


def drawings(split: Split) -> set[str]:
    return {picture.id for _, picture in pictures_of(split)}


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_picture_is_in_two_splits(one: Split, other: Split) -> None:
    assert not drawings(one) & drawings(other)


def test_no_two_pictures_of_a_thing_are_the_same_pixels(book: PictureBook) -> None:
    seen: dict[bytes, str] = {}
    for split in SPLITS:
        for _, picture in pictures_of(split):
            pixels = book.image(picture).resize((24, 24)).tobytes()
            assert seen.setdefault(pixels, picture.id) == picture.id


def test_what_only_train_worlds_know_is_known_to_no_other() -> None:
    shared = {picture.id for split in SPLITS for _, picture in pictures_of(split)}
    assert not shared & {picture.id for _, picture in extra_pictures()}
    assert not {name.word for name in NAMES} & {name.word for name in extras()}


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_background_is_in_two_splits(one: Split, other: Split) -> None:
    assert not set(BACKGROUNDS[one]) & set(BACKGROUNDS[other])


def test_backgrounds_of_dev_and_test_are_used_in_no_training() -> None:
    for split in ("dev", "test"):
        for name in BACKGROUNDS[split]:
            assert media.medium(name).split == "eval"


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_equal_seeds_of_two_splits_are_different_numbers(one: Split, other: Split) -> None:
    for seed in range(20):
        for purpose in ("plan", "sensor"):
            a = generator(one, seed, purpose).random(4)
            assert not np.allclose(a, generator(other, seed, purpose).random(4))


def test_train_and_test_know_every_name_and_every_hand() -> None:
    for split in ("train", "test"):
        assert {name.word for name, _ in pictures_of(split)} == {name.word for name in NAMES}
    for split in SPLITS:
        assert {picture.set for _, picture in pictures_of(split)} == set(SETS)


def test_names_are_few_words_in_several_groups() -> None:
    words = [name.word for name in (*NAMES, *extras())]
    assert len(set(words)) == len(words)
    assert all(word == word.lower() for word in words)
    assert len({name.group for name in NAMES}) == 6


def test_an_unknown_split_is_answered_with_those_known() -> None:
    assert split_named("dev") == "dev"
    with pytest.raises(InvalidRequestError, match="train, dev, test"):
        split_named("eval")
