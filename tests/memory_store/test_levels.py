"""Levels: how far an array may be off that went through them, whatever is in it."""

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from flashstream.memory_store.levels import Levels, quantised, restored

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=9)
ANY = st.one_of(
    hnp.arrays(np.float16, SHAPES, elements=st.floats(-65504, 65504, width=16)),
    hnp.arrays(
        np.float32, SHAPES, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
    ),
)


def features(seed: int, patches: int, channels: int, share: float) -> NDArray[np.float16]:
    """Sparse and non-negative, at most 6, some channels stronger than others, as after ReLU6."""
    dice = np.random.default_rng(seed)
    strength = dice.gamma(0.5, 1.0, channels)
    values = dice.gamma(1.0, 1.0, (patches, channels)) * strength
    values[dice.random((patches, channels)) > share] = 0
    return np.minimum(values, 6).astype(np.float16)


def through(levels: Levels, array: NDArray[Any]) -> NDArray[Any]:
    return restored(levels, array.dtype.str, array.shape)


def assert_within(array: NDArray[Any], levels: Levels, error: float) -> None:
    back = through(levels, array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.flags.c_contiguous
    assert np.isfinite(back).all()
    assert not back[array == 0].any()
    exact = array.astype(np.float64)
    off = np.abs(back.astype(np.float64) - exact)
    assert off.max(initial=0) <= levels.scale / 2
    norm = np.sqrt(np.square(exact).sum())
    assert np.sqrt(np.square(off).sum()) <= error * norm * (1 + 1e-9)


@settings(max_examples=300)
@given(ANY, st.sampled_from([0.001, 0.01, 0.03]))
def test_no_array_is_off_by_more_than_it_may(array: NDArray[Any], error: float) -> None:
    levels = quantised(array, error)
    if levels is None:  # then it is stored as it is; only tiny numbers come to that
        assert 0 < np.abs(array.astype(np.float64)).max() < 1e-30
    else:
        assert_within(array, levels, error)


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([4, 16, 64]),
    st.integers(100, 1280),
    st.floats(0.05, 1),
    st.sampled_from([0.01, 0.03]),
)
def test_features_take_a_byte_where_they_are_not_zero(
    seed: int, patches: int, channels: int, share: float, error: float
) -> None:
    array = features(seed, patches, channels, share)
    levels = quantised(array, error)
    assert levels is not None
    assert_within(array, levels, error)
    if levels.kind == "|u1":
        size = len(levels.mask) + len(levels.values)
        assert size <= np.count_nonzero(array) + array.size / 8 + 400


def test_features_are_an_eighth_of_what_they_were() -> None:
    array = features(3, 16, 1280, 0.22)
    levels = quantised(array, 0.01)
    assert levels is not None
    assert levels.kind == "|u1"
    assert len(levels.mask) + len(levels.values) < array.nbytes / 7
    finer = quantised(array, 0.001)
    assert finer is not None
    assert_within(array, finer, 0.001)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_nan_and_infinity_are_refused(bad: float, dtype: type) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        quantised(np.array([[0, 1], [bad, 2]], dtype), 0.01)


def test_no_more_is_inflated_than_the_shape_asks_for() -> None:
    """A few bytes can inflate to a gigabyte."""
    array = np.ones((2, 8), np.float16)
    levels = quantised(array, 0.01)
    assert levels is not None
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes([255]) * 10**8) + packer.flush()
    for broken in (replace(levels, mask=bomb), replace(levels, values=bomb)):
        with pytest.raises(ValueError, match="do not inflate to the"):
            through(broken, array)
    mask, values = levels.mask, levels.values
    for data in (b"", mask[:-1], mask + b"x", b"\xff" * 9):
        with pytest.raises(ValueError, match="inflate"):
            through(replace(levels, mask=data), array)
    for data in (b"", values[:-1], values + b"x", b"\xff" * 9):
        with pytest.raises(ValueError, match="inflate"):
            through(replace(levels, values=data), array)
