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
    snapshot = remember(40, gap_s)
    marks = slot_marks(snapshot.slots, snapshot.as_of)
    assert len(set(marks)) == len(marks) == 25


def test_marks_that_need_no_room_are_the_ages_themselves(remember: Remember) -> None:
    snapshot = remember(10, 3.0)
    ages = snapshot.as_of - snapshot.slots.mean_s
    assert slot_marks(snapshot.slots, snapshot.as_of) == [(round(age), SECONDS) for age in ages]


def test_entries_go_from_abstract_over_oldest_to_newest(remember: Remember) -> None:
    snapshot = remember(60)
    item = pack(snapshot)
    parts = item.meta[:, 0].tolist()
    assert parts == (
        [Part.ABSTRACT] * 25 + [Part.RETRIEVED] * 12 + [Part.TEMPORAL] * 25 + [Part.SPATIAL]
    )
    assert item.meta[-1].tolist() == [Part.SPATIAL, 4, 0, NOW]
    newest = snapshot.features[snapshot.parts == Part.SPATIAL]
    np.testing.assert_array_equal(item.features[-4:], newest)
    since = dict(zip(snapshot.slots.ids.tolist(), snapshot.slots.first_s.tolist(), strict=True))
    temporal = item.features[25 + 12 * 4 : -4].reshape(25, 4, -1)
    for place, slot in enumerate(sorted(since, key=lambda s: since[s])):
        rows = (snapshot.parts == Part.TEMPORAL) & (snapshot.groups == slot)
        np.testing.assert_array_equal(temporal[place], snapshot.features[rows])


def test_a_retrieved_frame_has_the_mark_of_its_slot(remember: Remember) -> None:
    meta = pack(remember(60)).meta
    temporal = {tuple(row[2:]) for row in meta.tolist() if row[0] == Part.TEMPORAL}
    assert all(tuple(row[2:]) in temporal for row in meta.tolist() if row[0] == Part.RETRIEVED)


def test_a_full_memory_has_as_many_tokens_whatever_its_age(remember: Remember) -> None:
    assert {pack(remember(30, gap)).tokens for gap in (0.1, 1.0, 3600.0, 1e5)} == {613}


def test_tokens_are_those_of_the_meta(remember: Remember) -> None:
    item = pack(remember(4))
    assert item.tokens == token_count(item.meta) == 4 + 4 * 10 + (4 + 1) * 26
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
    with pytest.raises(MemoryShapeError, match="2×2"):
        pack(cut)
