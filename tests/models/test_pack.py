from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from flashstream.errors import MemoryShapeError
from flashstream.memory_store.snapshot import MemorySnapshot, Part
from flashstream.models.demo.pack import (
    NOW,
    mark_text,
    pack,
    slot_marks,
    time_mark,
    token_count,
)

Remember = Callable[..., MemorySnapshot]
SECONDS, MINUTES, HOURS, DAYS = range(4)


@pytest.mark.parametrize(
    ("age_s", "mark"),
    [
        (-3.0, (0, SECONDS)),
        (0.4, (0, SECONDS)),
        (37.2, (37, SECONDS)),
        (999.4, (999, SECONDS)),
        (999.6, (17, MINUTES)),
        (7200.0, (120, MINUTES)),
        (60_000.0, (17, HOURS)),
        (4e6, (46, DAYS)),
        (1e12, (999, DAYS)),
    ],
)
def test_ages_become_three_digits_and_a_unit(age_s: float, mark: tuple[int, int]) -> None:
    assert time_mark(age_s) == mark


def test_a_mark_is_written_with_all_its_digits() -> None:
    assert mark_text(7, SECONDS) == "007s"
    assert mark_text(120, MINUTES) == "120m"


@pytest.mark.parametrize("gap_s", [0.01, 0.3, 1.0, 45.0, 5000.0])
def test_no_two_slots_share_a_mark(remember: Remember, gap_s: float) -> None:
    snapshot = remember(80, gap_s)
    marks = slot_marks(snapshot.slots, snapshot.as_of)
    assert len(set(marks)) == len(marks) == 60


def test_marks_that_need_no_room_are_the_ages_themselves(remember: Remember) -> None:
    snapshot = remember(10, 3.0)
    ages = snapshot.as_of - snapshot.slots.first_s
    assert slot_marks(snapshot.slots, snapshot.as_of) == [(round(age), SECONDS) for age in ages]


def test_entries_go_from_abstract_over_oldest_to_newest(remember: Remember) -> None:
    snapshot = remember(90)
    item = pack(snapshot)
    assert item.meta[:, 0].tolist() == (
        [Part.ABSTRACT] * 25 + [Part.TEMPORAL] * 60 + [Part.SPATIAL]
    )
    assert item.meta[-1].tolist() == [Part.SPATIAL, 16, 0, NOW, 1]
    newest = snapshot.features[snapshot.parts == Part.SPATIAL]
    np.testing.assert_array_equal(item.features[-16:], newest)
    slots = snapshot.slots
    entries = np.split(item.features[25:-16], np.cumsum(item.meta[25:-1, 1])[:-1])
    for entry, row in zip(entries, np.lexsort((slots.ids, slots.first_s)), strict=True):
        rows = (snapshot.parts == Part.TEMPORAL) & (snapshot.groups == slots.ids[row])
        np.testing.assert_array_equal(entry[:16], snapshot.features[rows])
    weights = slots.weights[np.lexsort((slots.ids, slots.first_s))]
    np.testing.assert_array_equal(item.meta[25:-1, 4], weights)


def test_a_slot_shown_in_detail_has_its_frame_beside_its_centroid(remember: Remember) -> None:
    snapshot = remember(90)
    item = pack(snapshot)
    slots = snapshot.slots
    order = np.lexsort((slots.ids, slots.first_s))
    entries = np.split(item.features[25:-16], np.cumsum(item.meta[25:-1, 1])[:-1])
    detailed = set(snapshot.groups[snapshot.parts == Part.RETRIEVED].tolist())
    assert len(detailed) == 12
    for entry, row in zip(entries, order, strict=True):
        slot = int(slots.ids[row])
        assert len(entry) == (32 if slot in detailed else 16)
        if slot in detailed:
            rows = (snapshot.parts == Part.RETRIEVED) & (snapshot.groups == slot)
            np.testing.assert_array_equal(entry[16:], snapshot.features[rows])


def test_a_full_memory_has_as_many_tokens_whatever_its_age(remember: Remember) -> None:
    assert {pack(remember(70, gap)).tokens for gap in (0.1, 1.0, 3600.0, 1e5)} == {635}


def test_tokens_are_those_of_the_meta(remember: Remember) -> None:
    item = pack(remember(4))
    assert item.tokens == token_count(item.meta) == 4 + 4 * 10 + 10
    assert item.features.dtype == np.float16
    assert item.meta.dtype == np.int64
    assert item.meta[:, 1].sum() == len(item.features)


def test_another_grid_is_refused(remember: Remember) -> None:
    snapshot = remember(1)
    keep = np.arange(len(snapshot.features)) != len(snapshot.features) - 1
    cut = replace(
        snapshot,
        features=snapshot.features[keep],
        parts=snapshot.parts[keep],
        groups=snapshot.groups[keep],
        times=snapshot.times[keep],
        positions=snapshot.positions[keep],
    )
    with pytest.raises(MemoryShapeError, match="4×4"):
        pack(cut)
