"""Compiles every kernel for a GPU that need not be there, as its own launcher would launch it.

Run as a program, with the GPU's compute capability (90 for an H200): one JSON object on standard
output, by "op dtype case" the names of the kernels compiled, with registers and stack bytes a
thread.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from flashstream.kernels.nearest import triton as nearest
from flashstream.kernels.patchify import PatchLayout
from flashstream.kernels.patchify import triton as patchify
from flashstream.kernels.quantize import SCALES
from flashstream.kernels.quantize import triton as quantize
from flashstream.kernels.ward_update import WardState
from flashstream.kernels.ward_update import triton as ward_update
from flashstream.memory_store.weighing import Weighing

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
CUOBJDUMP = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"


class AbsentGpu:
    """Triton's driver of a GPU that compiles, and never runs."""

    def __init__(self, capability: int) -> None:
        self.target = GPUTarget("cuda", capability, 32)

    def get_current_target(self) -> GPUTarget:
        return self.target

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


def launches() -> dict[str, Callable[[], object]]:
    """Every variant that the launchers choose between, and the sizes that Triton treats apart."""
    cases: dict[str, Callable[[], object]] = {}
    pixels = torch.zeros((2, 112, 112, 3), dtype=torch.uint8)
    grey = (0.5, 0.5, 0.5)
    qwen = PatchLayout(14, grey, grey, frames=2, merge=2)
    codes = torch.zeros((3, 1280), dtype=torch.int8)
    valid = torch.ones((2, 25, 5), dtype=torch.bool)
    centroids = torch.zeros((2, 25, 1280))
    for name, dtype in DTYPES.items():
        for scale in SCALES:
            rows = torch.zeros((3, 1280), dtype=dtype)
            cases[f"quantize {name} {scale}"] = partial(quantize.quantize, rows, scale)
            scales = torch.zeros(3, dtype=scale)
            cases[f"dequantize {name} {scale}"] = partial(quantize.dequantize, codes, scales, dtype)
        for layout in (qwen, PatchLayout(16, grey, grey)):
            side = 2 * layout.patch * layout.merge
            frames = pixels[:, :side, :side]
            cases[f"patchify {name} {layout.patch}"] = partial(
                patchify.patchify, frames, layout, dtype
            )
        candidates = torch.zeros((2, 25, 5, 1280), dtype=dtype)
        cases[f"nearest {name}"] = partial(nearest.nearest, candidates, valid, centroids, 2)
        shapes = ((25, 20480, 1.0), (60, 20480, 0.7), (1, 53, 1.0))
        for slots, width, temper in shapes if dtype == torch.float16 else shapes[:1]:
            state = WardState.empty(2, slots, width)
            times = torch.zeros(2, dtype=torch.float64)
            seen = torch.zeros((2, width), dtype=dtype)
            cases[f"ward_update {name} {slots} {temper}"] = partial(
                ward_update.ward_update, state, seen, times, Weighing(temper, 32.0, 64.0)
            )
    return cases


def main(capability: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    driver.set_active(AbsentGpu(capability))
    compiled: list[Any] = []

    def compile_only(self: JITFunction[Any], grid: object) -> Callable[..., None]:
        def launch(*args: Any, **kwargs: Any) -> None:
            compiled.append(self.run(*args, grid=grid, warmup=True, **kwargs))

        return launch

    JITFunction.__getitem__ = compile_only
    for case, launch in launches().items():
        compiled.clear()
        launch()
        found[case] = {kernel.metadata.name: usage(kernel.asm["cubin"]) for kernel in compiled}
    return found


def usage(cubin: bytes) -> dict[str, int]:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        out = subprocess.run(
            [CUOBJDUMP, "--dump-resource-usage", file.name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return {name.lower(): int(n) for name, n in re.findall(r"(REG|STACK|LOCAL|SHARED):(\d+)", out)}


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1])), sys.stdout)
