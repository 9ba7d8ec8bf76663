"""The kernels' benchmark: checks before it times, and times nothing without a GPU."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from flashstream.bench import kernel_cases
from flashstream.bench.kernel_cases import Case, Trial, difference, published
from flashstream.bench.kernels import KernelBench, run
from flashstream.cli.main import app
from flashstream.errors import GpuRequiredError, KernelMismatchError
from flashstream.kernels.patchify import PatchLayout

CPU = torch.device("cpu")
HALF = torch.float16


class Clock:
    """Takes as long as a call says it did."""

    def us(self, run: Callable[[], object]) -> float:
        taken = run()
        assert isinstance(taken, float)
        return taken


def trial(error: float, us: float = 20.0, torch_us: float = 60.0) -> Trial:
    return Trial(lambda: us, lambda: torch_us, lambda: error, 4_000_000)


def measure(*cases: Case) -> dict[str, list[dict[str, object]]]:
    steps: list[tuple[str, float]] = []
    bench = KernelBench(cases, CPU, Clock(), 400_000.0, lambda *step: steps.append(step))
    result = bench.measure()
    assert steps[-1] == ("kernels", 1.0)
    assert result.pop("copy_gb_per_s") == 400.0
    return result


def test_each_figure_is_what_was_measured() -> None:
    result = measure(
        Case("patchify", "small", HALF, 0.1, lambda _: trial(0.1)),
        Case("patchify", "large", torch.float32, 0.1, lambda _: trial(0.0, us=10.0)),
        Case("nearest", "small", HALF, 0.0, lambda _: trial(0.0, us=12.5)),
    )
    assert list(result) == ["patchify", "nearest"]
    assert result["patchify"][0] == {
        "size": "small",
        "dtype": "float16",
        "us": 20.0,
        "torch_us": 60.0,
        "speedup": 3.0,
        "floor_us": 10.0,
        "of_bandwidth": 0.5,
    }
    assert result["patchify"][1]["of_bandwidth"] == 1.0
    assert result["nearest"][0]["speedup"] == 4.8


@pytest.mark.parametrize("error", [0.2, float("nan"), float("inf")])
def test_a_failing_kernel_is_not_timed(error: float) -> None:
    def never() -> object:
        raise AssertionError("it was timed")

    wrong = replace(trial(error), ours=never, reference=never)
    with pytest.raises(KernelMismatchError) as refusal:
        measure(Case("nearest", "2 streams", HALF, 0.1, lambda _: wrong))
    for named in ("nearest", "2 streams", "float16", f"{error:.3g}", "0.1"):
        assert named in str(refusal.value)
    assert refusal.value.exit_code != 0


def test_a_difference_is_relative_and_sees_what_is_not_a_number() -> None:
    one = torch.tensor([0.0, 2.0, float("inf")])
    assert difference([one], [one]) == 0.0
    assert difference([one], [torch.tensor([0.5, 2.0, float("inf")])]) == 0.25
    assert difference([torch.tensor([7])], [torch.tensor([8])]) == 0.125
    nan = torch.tensor([0.0, float("nan"), float("inf")])
    assert difference([nan], [one]) == float("inf")
    assert difference([one], [nan]) == float("inf")
    assert difference([one.half()], [one]) == float("inf")
    assert difference([one[:2]], [one]) == float("inf")


SMALL = [
    kernel_cases.ward_case(2, 3, 10, HALF),
    kernel_cases.patchify_case(2, 8, PatchLayout(2, (0.5,) * 3, (0.5,) * 3, 2), HALF),
    kernel_cases.quantize_case(3, 10, HALF),
    kernel_cases.dequantize_case(3, 10, HALF),
    kernel_cases.nearest_case(2, 3, 10, HALF),
]
MOVED = [
    2 * 10 * (2 * 3 * 4 + 2 + 24),
    2 * 8 * 8 * 3 + (2 * 8 * 8 * 3 + 2 * 4 * 4 * 3) * 2,
    3 * (10 * 3 + 4),
    3 * (10 * 3 + 4),
    2 * 3 * 10 * (4 * 2 + 4),
]


@pytest.mark.parametrize(
    ("case", "moved"), list(zip(SMALL, MOVED, strict=True)), ids=lambda c: str(c)[:18]
)
def test_a_case_is_correct_on_a_cpu_and_counts_its_bytes(case: Case, moved: int) -> None:
    made = case.make(CPU)
    assert made.error() == 0.0
    assert made.bytes == moved
    made.ours()
    made.reference()


@pytest.mark.parametrize(
    ("case", "broken"),
    [
        (SMALL[0], "ward_update.reference.ward_update"),
        (SMALL[1], "patchify.reference.patchify"),
        (SMALL[2], "quantize.reference.quantize"),
        (SMALL[3], "quantize.reference.dequantize"),
        (SMALL[4], "nearest.reference.nearest"),
    ],
    ids=lambda given: str(given)[:18],
)
def test_a_case_finds_a_kernel_that_is_wrong(
    case: Case, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU a kernel's result is its reference's: every second one is spoilt."""
    made = case.make(CPU)
    module, _, name = broken.rpartition(".")
    right = getattr(__import__(f"flashstream.kernels.{module}", fromlist=[name]), name)
    calls = 0

    def spoilt(*given: object) -> object:
        nonlocal calls
        calls += 1
        given = tuple(
            g + 40 if isinstance(g, torch.Tensor) and g.dtype != torch.bool and calls % 2 else g
            for g in given
        )
        return right(*given)

    monkeypatch.setattr(f"flashstream.kernels.{broken}", spoilt)
    assert made.error() > case.limit


def test_the_published_sizes_cover_every_kernel() -> None:
    cases = published()
    ops = {"ward_update", "patchify", "quantize", "dequantize", "nearest"}
    assert {case.op for case in cases} == ops
    assert len({(case.op, case.size, case.dtype) for case in cases}) == len(cases)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to time on")
def test_without_a_gpu_nothing_is_timed_or_written(tmp_path: Path) -> None:
    with pytest.raises(GpuRequiredError, match="a CUDA GPU with the extra 'gpu' installed"):
        run(lambda *_: None)
    done = CliRunner().invoke(app, ["bench", "kernels", "--json", str(tmp_path / "result.json")])
    assert isinstance(done.exception, GpuRequiredError)
    assert done.exception.exit_code == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="timing wants a GPU")
def test_on_a_gpu_a_small_case_is_timed() -> None:
    from flashstream.bench.kernels import CudaTimer

    device = torch.device("cuda")
    timer = CudaTimer(device, calls=5)
    result = KernelBench(SMALL, device, timer, timer.copy_bytes_per_us(), lambda *_: None).measure()
    assert all(0 < row[0]["us"] < 1e5 for op, row in result.items() if op != "copy_gb_per_s")
