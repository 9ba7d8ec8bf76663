"""Bad input is refused at the door, by its name, and nothing is changed."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
import torch

from flashstream.errors import MemoryShapeError
from flashstream.kernels.nearest import nearest
from flashstream.kernels.patchify import PatchLayout, patchify
from flashstream.kernels.quantize import dequantize, quantize
from flashstream.kernels.ward_update import WardState, ward_update

GREY = (0.5, 0.5, 0.5)


def zeros(*shape: int, dtype: torch.dtype = torch.float32, device: str = "cpu") -> torch.Tensor:
    return torch.zeros(shape, dtype=dtype, device=device)


def update(**changed: Any) -> None:
    frames = changed.pop("frames", zeros(2, 5))
    times = changed.pop("times", zeros(2, dtype=torch.float64))
    ward_update(replace(WardState.empty(2, 3, 5), **changed), frames, times)


def choose(**changed: Any) -> None:
    given: dict[str, Any] = {
        "candidates": zeros(2, 3, 4, 5),
        "valid": zeros(2, 3, 4, dtype=torch.bool),
        "centroids": zeros(2, 3, 5),
        "best": 2,
    }
    nearest(**{**given, **changed})


REFUSED: list[tuple[str, Callable[[], object]]] = [
    ("frames is float64; float32 or float16 or bfloat16 is taken",
     lambda: update(frames=zeros(2, 5, dtype=torch.float64))),
    ("frames has shape (2, 6); (2, 5) is taken", lambda: update(frames=zeros(2, 6))),
    ("frames is on meta, the rest on cpu", lambda: update(frames=zeros(2, 5, device="meta"))),
    ("frames is list; a torch.Tensor is taken", lambda: update(frames=[[0.0] * 5] * 2)),
    ("times is float32; float64 is taken", lambda: update(times=zeros(2))),
    ("times has shape (3,); (2) is taken", lambda: update(times=zeros(3, dtype=torch.float64))),
    ("centroids is float16; float32 is taken",
     lambda: update(centroids=zeros(2, 3, 5, dtype=torch.float16))),
    ("centroids has strides (15, 1, 3); contiguous is taken",
     lambda: update(centroids=zeros(2, 5, 3).mT)),
    ("carries is float16; int16 is taken",
     lambda: update(carries=zeros(2, 3, 5, dtype=torch.float16))),
    ("weights has shape (2, 4); (2, 3) is taken",
     lambda: update(weights=zeros(2, 4, dtype=torch.int64))),
    ("used is int64; int32 is taken", lambda: update(used=zeros(2, dtype=torch.int64))),
    ("squared is on meta, the rest on cpu", lambda: update(squared=zeros(2, 3, 3, device="meta"))),
    ("slots is 0; 1 to 2147483647 is taken", lambda: WardState.empty(2, 0, 5)),
    ("frames is float32; uint8 is taken",
     lambda: patchify(zeros(1, 4, 4, 3), PatchLayout(2, GREY, GREY))),
    ("frames has shape (1, 3, 4, 4); (b, H, W, 3) is taken",
     lambda: patchify(zeros(1, 3, 4, 4, dtype=torch.uint8), PatchLayout(2, GREY, GREY))),
    ("frames are 4×6 pixels; multiples of 4 are taken",
     lambda: patchify(zeros(1, 4, 6, 3, dtype=torch.uint8), PatchLayout(2, GREY, GREY))),
    ("3 frames are given; a multiple of 2 is taken",
     lambda: patchify(zeros(3, 4, 4, 3, dtype=torch.uint8), PatchLayout(2, GREY, GREY, 2))),
    ("dtype is float64; float32 or float16 or bfloat16 is taken",
     lambda: patchify(zeros(1, 4, 4, 3, dtype=torch.uint8), PatchLayout(2, GREY, GREY),
                      torch.float64)),
    ("patch is 0; 1 to 256 is taken", lambda: PatchLayout(0, GREY, GREY)),
    ("std is 0.0; 1e-06 to 1000000.0 is taken", lambda: PatchLayout(2, GREY, (0.5, 0.0, 0.5))),
    ("rows is int8; float32 or float16 or bfloat16 is taken",
     lambda: quantize(zeros(2, 5, dtype=torch.int8))),
    ("rows has shape (5,); (n, W) is taken", lambda: quantize(zeros(5))),
    ("rows has shape (5, 0); (n, W) is taken", lambda: quantize(zeros(5, 0))),
    ("scale_dtype is bfloat16; float32 or float16 is taken",
     lambda: quantize(zeros(2, 5), torch.bfloat16)),
    ("codes is uint8; int8 is taken", lambda: dequantize(zeros(2, 5, dtype=torch.uint8), zeros(2))),
    ("scales has shape (3,); (2) is taken",
     lambda: dequantize(zeros(2, 5, dtype=torch.int8), zeros(3))),
    ("dtype is int32; float32 or float16 or bfloat16 is taken",
     lambda: dequantize(zeros(2, 5, dtype=torch.int8), zeros(2), torch.int32)),
    ("candidates has shape (2, 3, 5); (s, K, M, W) is taken",
     lambda: choose(candidates=zeros(2, 3, 5))),
    ("valid is uint8; bool is taken", lambda: choose(valid=zeros(2, 3, 4, dtype=torch.uint8))),
    ("centroids is float16; float32 is taken",
     lambda: choose(centroids=zeros(2, 3, 5, dtype=torch.float16))),
    ("centroids has shape (2, 4, 5); (2, 3, 5) is taken", lambda: choose(centroids=zeros(2, 4, 5))),
    ("best is 5; 1 to 4 is taken", lambda: choose(best=5)),
    ("best is 0; 1 to 4 is taken", lambda: choose(best=0)),
]  # fmt: skip


@pytest.mark.parametrize(("message", "call"), REFUSED, ids=[m.split(";")[0] for m, _ in REFUSED])
def test_bad_input_is_refused_by_its_name(
    launched: list[str], message: str, call: Callable[[], object]
) -> None:
    with pytest.raises(MemoryShapeError) as refusal:
        call()
    assert message in str(refusal.value)
    assert launched == []


def test_a_refused_call_leaves_the_memory_as_it_was() -> None:
    state = WardState.empty(2, 3, 5)
    before = state.clone()
    with pytest.raises(MemoryShapeError):
        ward_update(state, zeros(2, 5), zeros(1, dtype=torch.float64))
    for field in fields(WardState):
        assert torch.equal(getattr(state, field.name), getattr(before, field.name))
