"""int8 and a scale, and back."""

from collections.abc import Callable

import pytest
import torch

from flashstream.kernels.quantize import dequantize, quantize, reference

FLOATS = (torch.float32, torch.float16, torch.bfloat16)
SCALES = (torch.float32, torch.float16)
# The interpreter cuts a bfloat16 off where a GPU rounds it: one place of eight bits.
ROUNDING = {torch.float32: 0.0, torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}


@pytest.fixture(autouse=True, params=["triton", "reference"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of computing keep the contract."""
    if request.param == "reference":
        monkeypatch.setattr("flashstream.kernels.quantize.takes_triton", lambda _: False)
    return str(request.param)


def rows_of(device: torch.device, count: int, width: int, seed: int = 0) -> torch.Tensor:
    """Rows of very different magnitudes, one of zeros."""
    torch.manual_seed(seed)
    rows = torch.randn(count, width) * torch.logspace(-3, 3, count)[:, None]
    rows[count // 2] = 0
    return rows.to(device)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("count", "width"), [(1, 1), (5, 37), (3, 2048), (2, 4099)])
def test_triton_and_the_reference_give_the_same_codes(
    device: torch.device, count: int, width: int, dtype: torch.dtype, scale: torch.dtype
) -> None:
    rows = rows_of(device, count, width).to(dtype)
    codes, scales = quantize(rows, scale)
    wanted, wanted_scales = reference.quantize(rows, scale)
    assert torch.equal(codes, wanted)
    assert torch.equal(scales, wanted_scales)
    for back in FLOATS:
        x = dequantize(codes, scales, back)
        assert x.dtype == back
        y = reference.dequantize(codes, scales, torch.float32)
        torch.testing.assert_close(x.float(), y, rtol=ROUNDING[back], atol=1e-7)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_error_is_half_a_scale_at_most(
    device: torch.device, dtype: torch.dtype, scale: torch.dtype
) -> None:
    rows = rows_of(device, 9, 301, seed=1).to(dtype)
    codes, scales = quantize(rows, scale)
    error = (dequantize(codes, scales).double() - rows.double()).abs().amax(1)
    assert (error <= scales.double() * 0.5 * (1 + 2e-5)).all()
    assert scales.dtype == scale
    if scale == torch.float32:  # a float16 is rounded up, and the largest code may be less
        assert (codes.short().abs().amax(1) == 127).sum() == 8  # all but the zeros


@pytest.mark.parametrize("magnitude", [1e-30, 1e-39, 1e-45, 2e-6, 3e-8])
@pytest.mark.parametrize("scale", SCALES)
def test_the_bound_holds_for_the_smallest_numbers(
    device: torch.device, magnitude: float, scale: torch.dtype
) -> None:
    rows = torch.linspace(-1, 1, 21, device=device)[None] * magnitude
    codes, scales = quantize(rows, scale)
    error = (codes.double() * scales.double()[:, None] - rows.double()).abs().max()
    assert error <= scales.double().item() * 0.5 * (1 + 2e-5)


def test_a_row_of_zeros_stays_zeros(device: torch.device) -> None:
    codes, scales = quantize(torch.zeros((2, 19), device=device))
    assert not codes.any()
    assert not scales.any()
    assert not dequantize(codes, scales).any()


def test_halves_go_to_the_even_code(device: torch.device) -> None:
    rows = torch.tensor([[127.0, 0.5, 1.5, 2.5, -0.5, -1.5]], device=device)
    codes, scales = quantize(rows)
    assert scales.tolist() == [1.0]
    assert codes.tolist() == [[127, 0, 2, 2, 0, -2]]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("scale", SCALES)
def test_a_row_that_is_not_finite_comes_back_as_nan(
    device: torch.device, bad: float, scale: torch.dtype
) -> None:
    rows = rows_of(device, 3, 23)
    rows[0, 5] = bad
    codes, scales = quantize(rows, scale)
    x = dequantize(codes, scales)
    assert x[0].isnan().all()
    assert x[1:].isfinite().all()


def test_a_float16_scale_is_cut_off_at_its_largest(device: torch.device) -> None:
    codes, scales = quantize(torch.tensor([[3e30, -3e30, 0.0]], device=device), torch.float16)
    assert scales.tolist() == [65504.0]
    assert codes.tolist() == [[127, -127, 0]]


def test_rows_far_apart_are_found(
    device: torch.device, path: str, far_rows: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    near = torch.randint(-127, 128, (3, 33), dtype=torch.int8, device=device)
    scales = torch.ones(3, device=device)
    assert torch.equal(dequantize(far_rows(near), scales), near.float())
    rows = near.to(torch.float16)
    rows[:, 0] = 127
    assert torch.equal(quantize(far_rows(rows))[0], rows.to(torch.int8))


def test_columns_need_not_lie_together(device: torch.device) -> None:
    rows = rows_of(device, 6, 10).T
    codes, scales = quantize(rows)
    assert torch.equal(codes, quantize(rows.contiguous())[0])
    assert torch.equal(dequantize(codes.T.contiguous().T, scales), dequantize(codes, scales))


def test_no_rows_are_no_work(device: torch.device) -> None:
    codes, scales = quantize(torch.zeros((0, 7), device=device))
    assert codes.shape == (0, 7)
    assert dequantize(codes, scales).shape == (0, 7)
