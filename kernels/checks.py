"""What all kernels refuse at the door, and when they take the Triton path.

Only names, types, shapes and devices are looked at: a look at values would make the host wait for
the GPU. What each kernel does with values that it cannot take is in its own contract.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from flashstream.errors import MemoryShapeError

FLOATS = (torch.float32, torch.float16, torch.bfloat16)


def check(
    name: str,
    tensor: torch.Tensor,
    *,
    dtypes: Sequence[torch.dtype],
    shape: Sequence[int | str],
    device: torch.device | None = None,
    contiguous: bool = False,
) -> None:
    """Refuse a tensor by its name.

    shape: a number is taken exactly; a word stands for any number from 1 (its first letter upper
    case) or from 0 (lower case). Raises MemoryShapeError.
    """
    if not isinstance(tensor, torch.Tensor):
        raise MemoryShapeError(f"{name} is {type(tensor).__name__}; a torch.Tensor is taken")
    if tensor.dtype not in dtypes:
        taken = " or ".join(plain(dtype) for dtype in dtypes)
        raise MemoryShapeError(f"{name} is {plain(tensor.dtype)}; {taken} is taken")
    fits = tensor.dim() == len(shape) and all(
        size == wanted if isinstance(wanted, int) else size >= wanted[0].isupper()
        for size, wanted in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        taken = ", ".join(map(str, shape))
        raise MemoryShapeError(f"{name} has shape {tuple(tensor.shape)}; ({taken}) is taken")
    if device is not None and tensor.device != device:
        raise MemoryShapeError(f"{name} is on {tensor.device}, the rest on {device}; one is taken")
    if contiguous and not tensor.is_contiguous():
        raise MemoryShapeError(f"{name} has strides {tensor.stride()}; contiguous is taken")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside low…high. Raises MemoryShapeError."""
    if not low <= value <= high:
        raise MemoryShapeError(f"{name} is {value}; {low} to {high} is taken")


def check_dtype(name: str, dtype: torch.dtype, taken: Sequence[torch.dtype]) -> None:
    """Refuse a type of result. Raises MemoryShapeError."""
    if dtype not in taken:
        accepted = " or ".join(map(plain, taken))
        raise MemoryShapeError(f"{name} is {plain(dtype)}; {accepted} is taken")


def takes_triton(tensor: torch.Tensor) -> bool:
    """Whether Triton computes on this tensor: it is on a CUDA GPU, or the interpreter is on."""
    if tensor.is_cuda:
        return True
    if tensor.device.type != "cpu":
        return False
    try:
        from triton import knobs
    except ImportError:  # some builds of torch for CPUs come without it
        return False
    return bool(knobs.runtime.interpret)


@contextmanager
def on_device_of(tensor: torch.Tensor) -> Iterator[None]:
    """Triton launches on the current GPU, which need not be the tensor's."""
    if tensor.is_cuda:
        with torch.cuda.device(tensor.device):
            yield
    else:
        yield


def plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
