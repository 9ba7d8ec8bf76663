from dataclasses import replace

import numpy as np
import pytest
import torch
from support.sketches import TWO_HANDS, Sketches, here
from threadpoolctl import threadpool_limits
from torch import Tensor

from flashstream.evals.world.names import NAMES
from flashstream.models.demo.actors import fit
from flashstream.models.demo.bank import Bank, Sighting
from flashstream.models.demo.pack import CELLS
from flashstream.models.demo.reader import DIMENSIONS, ActorReader

WORLDS = 6
UNSEEN = 77
SKETCHES = Sketches(DIMENSIONS + 12)
WORDS = [name.word for name in NAMES]


@pytest.fixture(scope="module")
def bank() -> Bank:
    return SKETCHES.bank(TWO_HANDS, WORLDS)


@pytest.fixture(scope="module")
def reader(bank: Bank) -> ActorReader:
    with threadpool_limits(1):
        return fit(bank)


def _view(world: int, *seen: Sighting, number: int = 1000) -> Tensor:
    frame = SKETCHES.frame(world, seen, number)
    return torch.from_numpy(frame.astype(np.float32)).reshape(1, CELLS, -1)


def _background(world: int) -> Tensor:
    return torch.from_numpy(SKETCHES.background(world)).reshape(CELLS, -1)


@pytest.mark.parametrize("hand", ["a", "never seen"])
def test_names_are_known_again_in_another_world(reader: ActorReader, hand: str) -> None:
    views = torch.cat([_view(UNSEEN, here(word, f"{hand}-{word}", 0.25)) for word in WORDS])
    reading = reader(views, _background(UNSEEN))
    assert reading.names[:, 0].tolist() == list(range(len(WORDS)))
    assert float(reading.present[:, 0].min()) > 0.8
    assert float(reading.present[:, 1].max()) < 0.5


def test_two_at_once_are_known(reader: ActorReader) -> None:
    one, other = here("fox", "a-fox", 0.25), here("guitar", "b-guitar", 0.75)
    reading = reader(_view(UNSEEN, one, other), _background(UNSEEN))
    assert {WORDS[k] for k in reading.names[0].tolist()} == {"fox", "guitar"}
    assert float(reading.present.min()) > 0.8


def test_nobody_is_there_in_empty_frames(reader: ActorReader) -> None:
    for world in (0, 3, UNSEEN):
        views = torch.cat([_view(world, number=number) for number in range(50, 60)])
        assert float(reader(views, _background(world)).present.max()) < 0.2


def test_a_scene_that_has_become_another_is_nobody(reader: ActorReader) -> None:
    views = torch.cat([_view(world) for world in range(UNSEEN, UNSEEN + 8)])
    assert float(reader(views, _background(1)).present[:, 0].max()) < 0.05


def test_a_change_of_the_whole_picture_is_nobody(reader: ActorReader) -> None:
    """Even one that looks like a thing: where something acts, some of the picture stays."""
    mark = torch.from_numpy(SKETCHES.mark("fox", "a-fox"))
    local = _view(UNSEEN, here("fox", "a-fox", 0.5))
    reading = reader(torch.cat([local, _view(UNSEEN + 1) + mark]), _background(UNSEEN))
    assert float(reading.present[0, 0]) > 0.8
    assert float(reading.present[1, 0]) < 0.2


def test_the_same_bank_makes_the_same_reader(bank: Bank, reader: ActorReader) -> None:
    with threadpool_limits(1):
        again = fit(replace(bank, _backgrounds={}))
    for name, wanted in reader.state_dict().items():
        assert torch.equal(again.state_dict()[name], wanted), name


def test_a_name_that_no_frame_shows_is_refused(bank: Bank) -> None:
    kept = [
        frame
        for frame, seen in enumerate(bank.sightings)
        if not any(one.name == "umbrella" for one in seen)
    ]
    without = Bank(
        bank.features[kept], [bank.worlds[k] for k in kept], [bank.sightings[k] for k in kept]
    )
    with threadpool_limits(1), pytest.raises(ValueError, match="no frame shows umbrella clearly"):
        fit(without)


def test_things_that_only_train_worlds_know_take_no_name(bank: Bank) -> None:
    """They are learnt from, but never told: the reader has the prototypes of `NAMES` alone."""
    drawings = [*TWO_HANDS, ("cat", "a-cat"), ("cat", "b-cat")]
    with threadpool_limits(1):
        reader = fit(SKETCHES.bank(drawings, WORLDS))
    assert reader.prototypes.shape == (len(WORDS), DIMENSIONS)
    reading = reader(_view(UNSEEN, here("cat", "a-cat", 0.25)), _background(UNSEEN))
    known = reader(_view(UNSEEN, here("fox", "a-fox", 0.25)), _background(UNSEEN))
    assert float(reading.present[0, 0]) < float(known.present[0, 0])
