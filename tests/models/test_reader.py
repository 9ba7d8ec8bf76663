from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from flashstream.models.demo.pack import CELLS, GRID
from flashstream.models.demo.reader import CUES, WINDOWS, ActorReader, background_of, cues

CHANNELS = 12
NAMES = 8


@pytest.fixture
def reader() -> ActorReader:
    """Knows a name by the channel of its number; the likelier, the more it changed."""
    made = ActorReader(CHANNELS, CHANNELS, NAMES)
    with torch.no_grad():
        made.weight.copy_(torch.eye(CHANNELS))
        made.prototypes.copy_(torch.eye(NAMES, CHANNELS))
        made.presence.copy_(torch.tensor([[4.0, 1.0, -1.0, -1.5]] * 2))
    return made


@pytest.fixture
def background() -> Tensor:
    return torch.rand(CELLS, CHANNELS, generator=torch.Generator().manual_seed(1))


def _changed(background: Tensor, *planted: tuple[int, tuple[int, int, int, int]]) -> Tensor:
    """The background with channels raised in windows."""
    view = background.clone().reshape(GRID, GRID, CHANNELS)
    for channel, (top, bottom, left, right) in planted:
        view[top:bottom, left:right, channel] += 3.0
    return view.reshape(1, CELLS, CHANNELS)


def test_a_mask_is_the_mean_over_its_window(reader: ActorReader) -> None:
    cells = torch.arange(CELLS, dtype=torch.float32)
    for mask, (top, bottom, left, right) in zip(reader.masks, WINDOWS, strict=True):
        own = cells.reshape(GRID, GRID)[top:bottom, left:right]
        assert float(mask @ cells) == pytest.approx(float(own.mean()))
        assert int((mask > 0).sum()) == own.numel()


def test_windows_are_all_places_of_their_shapes() -> None:
    shapes = Counter((bottom - top, right - left) for top, bottom, left, right in WINDOWS)
    assert shapes == {(3, 2): 6, (4, 2): 3, (3, 3): 4, (4, 3): 2}
    assert len(set(WINDOWS)) == len(WINDOWS)


def test_windows_are_apart_if_they_share_no_column(reader: ActorReader) -> None:
    for one, (_, _, left, right) in enumerate(WINDOWS):
        for other, window in enumerate(WINDOWS):
            common = set(range(left, right)) & set(range(window[2], window[3]))
            assert bool(reader.apart[one, other]) == (not common)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", [0, 5])
def test_a_change_is_read_as_the_name_it_is_of(
    reader: ActorReader, background: Tensor, window: tuple[int, int, int, int], name: int
) -> None:
    reading = reader(_changed(background, (name, window)), background)
    assert int(reading.names[0, 0]) == name
    assert float(reading.present[0, 0]) > 0.9
    assert float(reading.present[0, 1]) < 0.1


def test_a_changed_channel_reads_the_same_before_any_background(reader: ActorReader) -> None:
    for seed in range(5):
        other = torch.rand(CELLS, CHANNELS, generator=torch.Generator().manual_seed(seed))
        reading = reader(_changed(other, (3, WINDOWS[2])), other)
        assert int(reading.names[0, 0]) == 3


def test_nothing_is_there_in_the_background_itself(reader: ActorReader, background: Tensor) -> None:
    reading = reader(background[None].repeat(2, 1, 1), background)
    assert float(reading.present.max()) < 1e-6


def test_a_scene_that_is_wholly_another_is_less_sure_than_a_change_in_it(
    reader: ActorReader, background: Tensor
) -> None:
    local = _changed(background, (2, (0, 4, 0, 2)))
    whole = _changed(background, (2, (0, 4, 0, 4)))
    present = reader(torch.cat([local, whole]), background).present[:, 0]
    assert float(present[1]) < float(present[0])


def test_two_things_beside_each_other_are_both_read(
    reader: ActorReader, background: Tensor
) -> None:
    view = _changed(background, (1, (1, 4, 0, 2)), (6, (1, 4, 2, 4)))
    reading = reader(view, background)
    assert set(reading.names[0].tolist()) == {1, 6}
    assert float(reading.present.min()) > 0.9


def test_one_above_the_other_is_no_second(reader: ActorReader, background: Tensor) -> None:
    view = _changed(background, (1, (0, 2, 0, 2)), (6, (2, 4, 0, 2)))
    assert float(reader(view, background).present[0, 1]) < 0.1


def test_the_same_twice_is_no_second(reader: ActorReader, background: Tensor) -> None:
    view = _changed(background, (4, (1, 4, 0, 2)), (4, (1, 4, 2, 4)))
    reading = reader(view, background)
    assert int(reading.names[0, 0]) == 4
    assert float(reading.present[0, 1]) < 0.1


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_second_that_is_there_is_never_the_first(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    reader = ActorReader(CHANNELS, 5, NAMES)
    with torch.no_grad():
        for parameter in reader.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    views = torch.randn(6, CELLS, CHANNELS, generator=generator)
    reading = reader(views, torch.randn(CELLS, CHANNELS, generator=generator))
    there = reading.present[:, 1] > 1e-6
    assert bool((reading.names[there, 0] != reading.names[there, 1]).all())
    assert bool(((reading.present >= 0) & (reading.present <= 1)).all())


def test_in_bf16_it_says_the_same(reader: ActorReader, background: Tensor) -> None:
    views = torch.cat(
        [_changed(background, (k, WINDOWS[k]), (7 - k, (1, 4, 2, 4))) for k in range(4)]
    )
    plain = reader(views, background)
    half = reader.to(torch.bfloat16)(views, background)
    assert half.names.tolist() == plain.names.tolist()
    torch.testing.assert_close(half.present, plain.present, atol=0.02, rtol=0)
    assert half.present.dtype == torch.float32


def test_cues_say_no_more_beyond_their_bounds() -> None:
    cosine = torch.tensor([[0.3, 0.4]])
    found = cues(cosine, torch.tensor([[-2.0, 5.0]]), torch.tensor([[-7.0]]))
    expected = torch.tensor([[[0.3, -2.0, 0.0, 1.0], [0.4, 0.0, 0.0, 1.0]]])
    torch.testing.assert_close(found, expected)
    assert found.shape[-1] == CUES
    still = cues(cosine, torch.zeros(1, 2), torch.tensor([[-1.5]]))[..., 2]
    torch.testing.assert_close(still, torch.full((1, 2), 0.5))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(-9, 9), min_size=3, max_size=3), st.integers(1, 40)),
        min_size=1,
        max_size=9,
    )
)
def test_a_background_is_the_weighted_median(rows: list[tuple[list[int], int]]) -> None:
    entries = np.array([numbers for numbers, _ in rows], np.float32)
    weights = [weight for _, weight in rows]
    expected = []
    for column in entries.T:
        # As many times as it weighs, and of an even number the lower of the two in the middle.
        spread = np.sort(np.repeat(column, weights))
        expected.append(spread[(len(spread) - 1) // 2])
    found = background_of(torch.from_numpy(entries)[:, None], torch.tensor(weights))
    assert found[0].tolist() == expected
