"""On a CUDA GPU the kernels run compiled; without one, in Triton's interpreter.

`TRITON_INTERPRET` counts only before Triton is first imported, for all kernels of the process, and
other tests import Triton (through vLLM) too. So the fixture below interprets our own kernels, for
one test at a time, and leaves Triton as it was.
"""

import mmap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import triton.language as tl
from triton import knobs
from triton.runtime import interpreter
from triton.runtime.interpreter import InterpretedFunction
from triton.runtime.jit import JITFunction

from flashstream.kernels.nearest import triton as nearest
from flashstream.kernels.patchify import triton as patchify
from flashstream.kernels.quantize import triton as quantize
from flashstream.kernels.ward_update import choose as ward_choose
from flashstream.kernels.ward_update import merge as ward_merge
from flashstream.kernels.ward_update import parts as ward_parts
from flashstream.kernels.ward_update import triton as ward_update

OURS = (nearest, patchify, quantize, ward_choose, ward_merge, ward_parts, ward_update)
LAUNCHED = (
    (nearest, "_nearest"),
    (patchify, "_patchify"),
    (quantize, "_quantize"),
    (quantize, "_dequantize"),
    (ward_update, "choose"),
    (ward_update, "merge"),
)
NO_RESERVE = 0x4000  # Linux's MAP_NORESERVE, which Python names from 3.13 on
# What the interpreter puts its own functions into while a kernel runs.
PATCHED = (tl, tl.core, tl.math, tl.standard, tl.core.tensor, tl.core.dtype, tl.core.condition)


@pytest.fixture
def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True, scope="module")
def triton_is_left_as_it_was() -> Iterator[None]:
    """For the kernels of others in this process."""
    before = [(place, dict(vars(place))) for place in PATCHED]
    yield
    for place, names in before:
        changed = [name for name, value in names.items() if vars(place).get(name) is not value]
        assert not changed, f"{place.__name__}: {changed}"
    assert not hasattr(tl.core.tensor, "__index__")


@pytest.fixture(autouse=True)
def kernels_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kernels can be launched: by the GPU, or by the interpreter."""
    if torch.cuda.is_available():
        yield
        return
    library, own = tl.standard.sum.fn, quantize._quantize.fn
    with knobs.runtime.scope(), monkeypatch.context() as patches:
        knobs.runtime.interpret = True
        for module in (tl, tl.standard, *OURS):
            for name, value in list(vars(module).items()):
                if isinstance(value, JITFunction):
                    patches.setattr(module, name, InterpretedFunction(value.fn))
        # The interpreter puts its own functions into Triton's modules anew at each call of a
        # kernel's part, and does not always take them out: once a test is enough, and much faster.
        scopes = [interpreter._patch_lang(function) for function in (library, own)]
        patches.setattr(interpreter, "_patch_lang", lambda _: interpreter._LangPatchScope())
        try:
            yield
        finally:
            for scope in reversed(scopes):
                scope.restore()


@pytest.fixture
def launched(kernels_run: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the kernels launched in this test."""
    names: list[str] = []

    class Spied:
        def __init__(self, kernel: Any, name: str) -> None:
            self.kernel, self.name = kernel, name

        def __getitem__(self, grid: tuple[int, ...]) -> Any:
            names.append(self.name)
            return self.kernel[grid]

    for module, name in LAUNCHED:
        monkeypatch.setattr(module, name, Spied(getattr(module, name), name))
    return names


@pytest.fixture(autouse=True)
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that no kernel has written to is NaN, or a number that no result can be."""
    empty = torch.empty

    def poison(*shape: Any, **kwargs: Any) -> torch.Tensor:
        tensor = empty(*shape, **kwargs)
        if tensor.is_floating_point():
            return tensor.fill_(torch.nan)
        return tensor.fill_(True if tensor.dtype == torch.bool else torch.iinfo(tensor.dtype).min)

    monkeypatch.setattr(torch, "empty", poison)


@pytest.fixture
def far_rows(device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """Lays a tensor's three rows out 2³⁰ numbers apart.

    The third begins at 2³¹, though the stride and the row's number fit in 32 bits: a product in 32
    bits would wrap round to 2³¹ numbers before the first row, which is memory too, all zeros: a
    wrong result, not a crash. Pages that are never touched take no memory.
    """

    def lay_out(tensor: torch.Tensor) -> torch.Tensor:
        assert len(tensor) == 3
        numbers = 2**32 + tensor[0].numel()
        needed = numbers * tensor.element_size()
        if device.type == "cuda":
            if torch.cuda.mem_get_info()[0] < needed:
                pytest.skip(f"needs {needed / 2**30:.0f} GiB of free GPU memory")
            storage = torch.zeros(numbers, dtype=tensor.dtype, device=device)
        else:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE
            storage = torch.frombuffer(mmap.mmap(-1, needed, flags), dtype=tensor.dtype)
        strides = (2**30, *tensor[0].contiguous().stride())
        far = storage.as_strided(tensor.shape, strides, 2**31)
        return far.copy_(tensor)

    return lay_out
