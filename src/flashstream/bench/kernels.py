"""Kernels timed on a GPU: against torch, and against the time that moving their bytes takes.

A kernel whose results differ from its reference's is not timed.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Protocol

import torch

from flashstream.bench.kernel_cases import Case, published
from flashstream.bench.machine import machine_facts
from flashstream.errors import GpuRequiredError, KernelMismatchError
from flashstream.kernels.checks import plain
from flashstream.models.family import Progress

_COPY_BYTES = 2**30
_CACHE_BYTES = 2**28  # more than any GPU's cache holds


class Timer(Protocol):
    """Says how long a call keeps the device busy."""

    def us(self, run: Callable[[], object]) -> float:
        """Microseconds, the median of many calls, each with cold caches."""


class CudaTimer:
    """Times by events on the GPU, so that the host's own time does not count."""

    def __init__(self, device: torch.device, warm_ups: int = 5, calls: int = 50) -> None:
        self._device, self._warm_ups, self._calls = device, warm_ups, calls
        self._cache = torch.empty(_CACHE_BYTES, dtype=torch.int8, device=device)

    def us(self, run: Callable[[], object]) -> float:
        """See `Timer`."""
        for _ in range(self._warm_ups):  # the first compiles
            run()
        events = []
        for _ in range(self._calls):
            began, ended = _event(), _event()
            # Also gives the host time to get ahead, so that launching is not what is measured.
            self._cache.zero_()
            began.record()
            run()
            ended.record()
            events.append((began, ended))
        torch.cuda.synchronize(self._device)
        return median(float(began.elapsed_time(ended)) * 1000 for began, ended in events)

    def copy_bytes_per_us(self) -> float:
        """What the device's memory gives: bytes read and written by a large copy, over its time."""
        source = torch.zeros(_COPY_BYTES, dtype=torch.int8, device=self._device)
        target = torch.empty_like(source)
        return 2 * _COPY_BYTES / self.us(lambda: target.copy_(source))


def run(report: Progress) -> dict[str, Any]:
    """Check and time every kernel at the published sizes, on the current GPU.

    Returns {op: [{size, dtype, us, torch_us, speedup, floor_us, of_bandwidth}], "copy_gb_per_s",
    "machine"}. Raises GpuRequiredError without a CUDA GPU; KernelMismatchError if a kernel's
    result is wrong.
    """
    if not torch.cuda.is_available():
        raise GpuRequiredError(
            "torch sees no GPU here, and timing Triton's interpreter says nothing about the "
            "kernels; a CUDA GPU with the extra 'gpu' installed is taken"
        )
    facts = machine_facts()
    device = torch.device("cuda", torch.cuda.current_device())
    timer = CudaTimer(device)
    bench = KernelBench(published(), device, timer, timer.copy_bytes_per_us(), report)
    return {**bench.measure(), "machine": facts}


class KernelBench:
    """Checks each case, and times it if it passed."""

    def __init__(
        self,
        cases: Sequence[Case],
        device: torch.device,
        timer: Timer,
        bytes_per_us: float,
        report: Progress,
    ) -> None:
        self._cases, self._device, self._timer = cases, device, timer
        self._bytes_per_us, self._report = bytes_per_us, report

    def measure(self) -> dict[str, Any]:
        """All figures of all cases, by kernel."""
        result: dict[str, Any] = {"copy_gb_per_s": round(self._bytes_per_us / 1000, 1)}
        for done, case in enumerate(self._cases):
            self._report("kernels", done / len(self._cases))
            result.setdefault(case.op, []).append(self._measured(case))
        self._report("kernels", 1.0)
        return result

    def _measured(self, case: Case) -> dict[str, Any]:
        trial = case.make(self._device)
        error = trial.error()
        if not error <= case.limit:
            raise KernelMismatchError(
                f"{case.op} on {case.size} in {plain(case.dtype)} differs from its reference by "
                f"{error:.3g}; {case.limit:.3g} is accepted, so it is not timed",
                op=case.op,
                size=case.size,
                error=str(error),
            )
        ours, reference = self._timer.us(trial.ours), self._timer.us(trial.reference)
        floor = trial.bytes / self._bytes_per_us
        return {
            "size": case.size,
            "dtype": plain(case.dtype),
            "us": round(ours, 2),
            "torch_us": round(reference, 2),
            "speedup": round(reference / ours, 2),
            "floor_us": round(floor, 2),
            "of_bandwidth": round(floor / ours, 3),
        }


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch's
