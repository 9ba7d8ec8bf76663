"""On a CUDA GPU the kernels run compiled; without one, in Triton's interpreter.

`TRITON_INTERPRET` counts only before Triton is first imported, for all kernels of the process, and
other tests import Triton (through vLLM) too. So the fixture below interprets our own kernels, for
one test at a time, and leaves Triton as it was.
"""

from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
import triton.language as tl
from triton import knobs
from triton.runtime.interpreter import InterpretedFunction
from triton.runtime.jit import JITFunction

from flashstream.kernels.nearest import triton as nearest
from flashstream.kernels.patchify import triton as patchify
from flashstream.kernels.quantize import triton as quantize
from flashstream.kernels.ward_update import parts as ward_parts
from flashstream.kernels.ward_update import triton as ward_update

OURS = (nearest, patchify, quantize, ward_parts, ward_update)
# What the interpreter puts its own functions into while a kernel runs.
PATCHED = (tl, tl.core, tl.math, tl.standard, tl.core.tensor, tl.core.dtype, tl.core.condition)


@pytest.fixture
def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def kernels_run() -> Iterator[None]:
    """Kernels can be launched: by the GPU, or by the interpreter."""
    if torch.cuda.is_available():
        yield
        return
    before = [(place, dict(vars(place))) for place in (*PATCHED, *OURS)]
    with knobs.runtime.scope():
        knobs.runtime.interpret = True
        for module in (tl, tl.standard, *OURS):
            _interpret(module)
        try:
            yield
        finally:
            for place, names in before:
                _restore(place, names)


def _interpret(module: ModuleType) -> None:
    for name, value in list(vars(module).items()):
        if isinstance(value, JITFunction):
            setattr(module, name, InterpretedFunction(value.fn))


def _restore(place: ModuleType | type, names: dict[str, object]) -> None:
    for name in list(vars(place)):
        if name not in names:
            delattr(place, name)
        elif vars(place)[name] is not names[name]:
            setattr(place, name, names[name])
