"""Running means against exact arithmetic: what a merge loses, and what ten million may lose.

A merge rounds the carry to whole units of 2⁻³⁸·2^e, where 2^e ≤ |mean|: half a unit, 2⁻³⁹ of the
mean, is lost at most. Of k frames out of n it counts k/n in the end, so n merges move a mean by no
more than n/2 · 2⁻³⁹ of the largest mean on the way, even if all were rounded one way: 9.1e-6 after
ten million. What the step itself loses, a few 2⁻²⁴ of share·difference, adds up to as much of one
difference, however many they are, for the k-th share is 1/k and counts k/n.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flashstream.memory_store.means import Means, narrowed, widened

UNIT = 2.0**-38

halves = st.floats(-65504, 65504, width=16)
singles = st.floats(-(2.0**100), 2.0**100, width=32)


def array(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def exact(means: Means, row: int) -> list[Fraction]:
    carries = widened(means.carries[row], means.values[row])
    pairs = zip(means.values[row].tolist(), carries.tolist(), strict=True)
    return [Fraction(value) + Fraction(carry) for value, carry in pairs]


def power_below(value: float) -> float:
    """The greatest power of two that is no greater than |value|; 0 for less than 2⁻¹²⁶."""
    return 0.0 if abs(value) < 2.0**-126 else 2.0 ** (np.frexp(abs(value))[1] - 1)


@settings(max_examples=400)
@given(singles, singles)
@example(1.0, 2.0**-25)  # half of the last bit below a power of two
@example(1.0, -(2.0**-25))
@example(1.0, -(2.0**-26))
@example(-2.0, 2.0**-24)
@example(2.0**24, 1.0)  # half of the last bit, to even
@example(2.0**24 + 2, 1.0)
@example(2.0**-126, -(2.0**-149))
@example(2.0**-149, 2.0**-149)
@example(0.0, -0.0)
@example(1.5, -1.5)
@example(2.0**100, 2.0**-149)
def test_what_an_addition_loses_is_kept_to_half_a_unit(old: float, step: float) -> None:
    new = array(old) + array(step)
    lost = Fraction(old) + Fraction(step) - Fraction(float(new[0]))
    rounded = array(float(lost))
    assert Fraction(float(rounded[0])) == lost  # it is a float32, as two-sum has it
    carry = narrowed(rounded, new)
    assert carry.dtype == np.int16
    assert abs(int(carry[0])) <= 2**14  # never near an overflow
    back = Fraction(float(widened(carry, new)[0]))
    power = Fraction(power_below(float(new[0])))
    assert back == carry[0] * power * Fraction(UNIT)  # no bit of it is lost
    assert abs(back - lost) <= power * Fraction(UNIT) / 2


def test_every_carry_comes_back() -> None:
    carries = np.arange(-(2**14), 2**14 + 1).astype(np.int16)
    for value in (1.0, -1.0, 1.999, 65504.0, -3e-5, 6e-8, 2.0**-80, 2.0**100):
        values = np.full(len(carries), value, np.float32)
        assert np.array_equal(narrowed(widened(carries, values), values), carries)


@pytest.mark.parametrize("value", [0.0, -0.0, 2.0**-149, -(2.0**-127)])
def test_nothing_is_lost_near_zero(value: float) -> None:
    """A sum this small is exact, so there is nothing to carry."""
    assert narrowed(array(0.0), array(value)).tolist() == [0]
    assert widened(np.array([7], np.int16), array(value)).tolist() == [0]


@settings(max_examples=120)
@given(
    st.lists(st.tuples(halves, st.integers(1, 10**9)), min_size=2, max_size=12),
    st.booleans(),
)
@example([(1.0, 1), (1.0, 3), (-1.0, 4)], False)
@example([(65504.0, 10**9), (-65504.0, 1), (2.0**-24, 10**9)], True)
def test_each_merge_is_the_weighted_mean(points: list[tuple[float, int]], pairs: bool) -> None:
    """Of its two rows, carries and all; the rows too are means of others, if merged in pairs."""
    means = Means(len(points), 1)
    for row, (value, _) in enumerate(points):
        means.set(row, array(value))
    rows = [(row, weight) for row, (_, weight) in enumerate(points)]
    while len(rows) > 1:
        (into, weight), (other, more) = rows.pop(0), rows.pop(0 if pairs else -1)
        total = weight + more
        a, b = exact(means, into)[0], exact(means, other)[0]
        means.merge(into, other, more / total)
        rows.append((into, total)) if pairs else rows.insert(0, (into, total))
        true = (a * weight + b * more) / total
        step = abs(b - a) * Fraction(more, total)
        new = float(means.values[into, 0])
        allowed = Fraction(power_below(new) * UNIT) / 2 + 6 * step / 2**24 + Fraction(2.0**-145)
        assert abs(exact(means, into)[0] - true) <= allowed + abs(a) / 2**47
        assert abs(exact(means, into)[0] - Fraction(new)) <= Fraction(power_below(new)) / 2**24


def test_rows_move_and_begin_anew() -> None:
    means = Means(3, 2)
    means.set(0, array(1.0, 1000.0))
    means.set(1, array(2.0, 1001.0))
    means.merge(0, 1, 1 / 3)
    assert means.carries[0].any()
    means.move(0, 2)
    assert exact(means, 2) == exact(means, 0)
    means.set(0, array(5.0, 6.0))
    assert exact(means, 0) == [5, 6]


@pytest.mark.parametrize("before", [0, 10**7])
def test_many_merges_do_not_drift(before: int) -> None:
    """Frames that lead rounding astray: constant offsets, trends, turns, huge and tiny together."""
    count, lanes = 12_000, 256
    rng = np.random.default_rng(before)
    base = np.concatenate([np.full(64, 1.0), rng.uniform(-9, 9, 64), rng.uniform(999, 1e3, 128)])
    offset = np.concatenate([rng.uniform(1e-3, 2, 128), rng.uniform(0.5, 60, 128)])
    means = Means(2, lanes)
    start = base.astype(np.float16).astype(np.float32)
    means.set(0, start)
    total, weight = start.astype(np.float64) * max(before, 1), max(before, 1)
    weights = weight
    for number in range(count):
        turn = (1, -0.3, number / count, np.sin(number / 7))[number % 4 if number % 3 else 0]
        frame = (base + turn * offset).astype(np.float16).astype(np.float32)
        means.set(1, frame)
        weights += 1
        means.merge(0, 1, 1 / weights)
        total += frame
    carried = means.values[0].astype(np.float64) + widened(means.carries[0], means.values[0])
    relative = np.abs(carried - total / weights) / np.abs(base)
    # Without carries it is 1e-3 of the offsets after ten million.
    assert relative.max() < 1e-7
    plain = np.abs(means.values[0] - total / weights) / np.abs(total / weights)
    assert plain.max() < 1e-5
