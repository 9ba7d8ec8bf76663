"""What the kernels are timed on: the published sizes, with made-up values.

Of a ViT-L/14 (v1) the temporal memory is 25 slots of 4×4 patches of 1024 channels; of Qwen2-VL (v2)
60 slots of 16×16 patches of 1280 channels, from pictures of 448×448 pixels, two frames at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch

from flashstream.kernels.nearest import nearest
from flashstream.kernels.nearest import reference as nearest_reference
from flashstream.kernels.patchify import PatchLayout, patchify
from flashstream.kernels.patchify import reference as patchify_reference
from flashstream.kernels.quantize import dequantize, quantize
from flashstream.kernels.quantize import reference as quantize_reference
from flashstream.kernels.ward_update import WardState, ward_update
from flashstream.kernels.ward_update import reference as ward_reference

Outputs = Sequence[torch.Tensor]

_STAR, _FLASH = (25, 16 * 1024), (60, 256 * 1280)  # slots, numbers in each
_CANDIDATES, _BEST = 4, 2  # two slots' that merged
_QWEN = PatchLayout(14, (0.481, 0.458, 0.408), (0.269, 0.261, 0.276), frames=2, merge=2)
_VIT = PatchLayout(14, (0.481, 0.458, 0.408), (0.269, 0.261, 0.276))
_SINGLE_ROUNDING = {torch.float32: 1e-5, torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}


@dataclass(frozen=True, slots=True)
class Trial:
    """One kernel at one size, its tensors made.

    ours, reference: what is timed. error: the largest difference of their results from freshly
    made ones, over the largest magnitude. bytes: what has to be read and written, each once.
    """

    ours: Callable[[], object]
    reference: Callable[[], object]
    error: Callable[[], float]
    bytes: int


@dataclass(frozen=True, slots=True)
class Case:
    """A trial that can be made on a device. limit: of its error."""

    op: str
    size: str
    dtype: torch.dtype
    limit: float
    make: Callable[[torch.device], Trial]


def published() -> list[Case]:
    """The sizes that are timed, smallest first for each kernel."""
    half, bf16, single = torch.float16, torch.bfloat16, torch.float32
    return [
        *(ward_case(streams, *_STAR, half) for streams in (1, 64, 256)),
        *(ward_case(streams, *_FLASH, bf16) for streams in (1, 16)),
        *(patchify_case(frames, 224, _VIT, half) for frames in (1, 64)),
        *(patchify_case(frames, 448, _QWEN, bf16) for frames in (2, 64)),
        patchify_case(64, 448, _QWEN, single),
        *(quantize_case(rows, 1024, half) for rows in (681, 65536)),
        quantize_case(11520, 1280, bf16),
        *(dequantize_case(rows, 1024, half) for rows in (681, 65536)),
        dequantize_case(11520, 1280, bf16),
        *(nearest_case(streams, *_STAR, half) for streams in (1, 64)),
        *(nearest_case(streams, *_FLASH, half) for streams in (1, 8)),
    ]


def difference(got: Outputs, wanted: Outputs) -> float:
    """The largest |a − b| over the largest magnitude, of all outputs; infinite if one has a NaN."""
    worst = 0.0
    for one, other in zip(got, wanted, strict=True):
        if one.dtype != other.dtype or one.shape != other.shape:
            return float("inf")
        a, b = one.double(), other.double()
        apart = torch.where(a == b, 0.0, (a - b).abs())  # infinity is equal to itself
        scale = torch.where(b.isfinite(), b.abs(), 0.0).max().clamp(min=1e-30)
        worst = max(worst, float((apart / scale).nan_to_num(nan=torch.inf).max()))
    return worst


def ward_case(streams: int, slots: int, width: int, dtype: torch.dtype) -> Case:
    """A full memory takes in a frame. The centroids are read for the frame, and once more for the
    merged row; two rows and their carries are read and written."""

    def make(device: torch.device) -> Trial:
        state = WardState.empty(streams, slots, width, device)
        times = torch.zeros(streams, dtype=torch.float64, device=device)
        dice = torch.Generator(device).manual_seed(0)

        def frames() -> torch.Tensor:
            shape = (streams, width)
            return torch.randn(shape, generator=dice, device=device).to(dtype)

        for _ in range(slots):
            ward_reference.ward_update(state, frames(), times)
        frame = frames()

        def error() -> float:
            one, other = state.clone(), state.clone()
            worst = 0.0
            for _ in range(4):
                new = frames()
                steps = (
                    ward_update(one, new, times),
                    ward_reference.ward_update(other, new, times),
                )
                worst = max(
                    worst, *(difference(_tensors(a), _tensors(b)) for a, b in (steps, (one, other)))
                )
            return worst

        step = streams * width * (2 * slots * 4 + frame.element_size() + 2 * 2 * (4 + 2))
        return Trial(
            ours=lambda: ward_update(state, frame, times),
            reference=lambda: ward_reference.ward_update(state, frame, times),
            error=error,
            bytes=step,
        )

    return Case("ward_update", f"{streams} streams, {slots} slots of {width}", dtype, 1e-4, make)


def patchify_case(frames: int, side: int, layout: PatchLayout, dtype: torch.dtype) -> Case:
    """Square frames to patches at both resolutions."""

    def make(device: torch.device) -> Trial:
        pixels = torch.randint(0, 256, (frames, side, side, 3), dtype=torch.uint8, device=device)
        written = pixels.numel() * 5 // 4 * dtype.itemsize
        return _stateless(
            lambda: patchify(pixels, layout, dtype),
            lambda: patchify_reference.patchify(pixels, layout, dtype),
            pixels.numel() + written,
        )

    size = f"{frames} frames of {side}×{side}, patch {layout.patch}×{layout.patch}×{layout.frames}"
    return Case("patchify", size, dtype, _SINGLE_ROUNDING[dtype], make)


def quantize_case(rows: int, width: int, dtype: torch.dtype) -> Case:
    def make(device: torch.device) -> Trial:
        values = torch.randn((rows, width), device=device).to(dtype)
        return _stateless(
            lambda: quantize(values),
            lambda: quantize_reference.quantize(values, torch.float32),
            rows * (width * (dtype.itemsize + 1) + 4),
        )

    return Case("quantize", f"{rows} rows of {width}", dtype, 0.0, make)


def dequantize_case(rows: int, width: int, dtype: torch.dtype) -> Case:
    def make(device: torch.device) -> Trial:
        codes, scales = quantize_reference.quantize(
            torch.randn((rows, width), device=device), torch.float32
        )
        return _stateless(
            lambda: [dequantize(codes, scales, dtype)],
            lambda: [quantize_reference.dequantize(codes, scales, dtype)],
            rows * (width * (dtype.itemsize + 1) + 4),
        )

    return Case("dequantize", f"{rows} rows of {width}", dtype, _SINGLE_ROUNDING[dtype], make)


def nearest_case(streams: int, slots: int, width: int, dtype: torch.dtype) -> Case:
    """Every slot's candidates, all there."""

    def make(device: torch.device) -> Trial:
        centroids = torch.randn((streams, slots, width), device=device)
        shape = (streams, slots, _CANDIDATES, width)
        candidates = (centroids[:, :, None] + torch.randn(shape, device=device)).to(dtype)
        valid = torch.ones(shape[:3], dtype=torch.bool, device=device)
        return _stateless(
            lambda: nearest(candidates, valid, centroids, _BEST),
            lambda: nearest_reference.nearest(candidates, valid, centroids, _BEST),
            streams * slots * width * (_CANDIDATES * dtype.itemsize + 4),
        )

    size = f"{streams} streams, {slots} slots of {width}, {_CANDIDATES} candidates"
    return Case("nearest", size, dtype, 1e-5, make)


def _stateless(ours: Callable[[], Outputs], reference: Callable[[], Outputs], moved: int) -> Trial:
    return Trial(ours, reference, lambda: difference(ours(), reference()), moved)


def _tensors(record: object) -> list[torch.Tensor]:
    """Of a frozen dataclass of tensors."""
    return [getattr(record, field.name) for field in fields(record)]  # type: ignore[arg-type]
