"""Which way of computing is taken, and what it launches."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from setuptools import find_namespace_packages  # type: ignore[import-untyped]
from triton import knobs

from flashstream.kernels.nearest import nearest
from flashstream.kernels.patchify import PatchLayout, patchify
from flashstream.kernels.quantize import dequantize, quantize
from flashstream.kernels.ward_update import WardState, ward_update

OPS = ("nearest", "patchify", "quantize", "ward_update")


def run_all(device: torch.device) -> None:
    ward_update(
        WardState.empty(2, 3, 5, device),
        torch.ones((2, 5), device=device),
        torch.zeros(2, dtype=torch.float64, device=device),
    )
    pixels = torch.zeros((1, 4, 4, 3), dtype=torch.uint8, device=device)
    patchify(pixels, PatchLayout(2, (0.5,) * 3, (0.5,) * 3))
    dequantize(*quantize(torch.ones((2, 5), device=device)))
    valid = torch.ones((1, 2, 3), dtype=torch.bool, device=device)
    candidates = torch.ones((1, 2, 3, 4), device=device)
    nearest(candidates, valid, torch.ones((1, 2, 4), device=device), 1)


def test_triton_is_taken_and_the_reference_is_not(
    device: torch.device, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the reference was taken")

    for op in OPS:
        monkeypatch.setattr(f"flashstream.kernels.{op}.reference.{op}", refuse)
    monkeypatch.setattr("flashstream.kernels.quantize.reference.dequantize", refuse)
    run_all(device)
    # A frame into all memories is two launches.
    assert launched == ["choose", "merge", "_patchify", "_quantize", "_dequantize", "_nearest"]


def test_the_reference_is_taken_on_a_cpu(launched: list[str]) -> None:
    with knobs.runtime.scope():
        knobs.runtime.interpret = False
        run_all(torch.device("cpu"))
    assert launched == []


def test_triton_is_not_loaded_where_it_is_not_used() -> None:
    code = (
        "import sys\n"
        "from flashstream.kernels import nearest, patchify, quantize, ward_update\n"
        "sys.exit('triton' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_setuptools_finds_the_kernels_though_their_room_is_no_package() -> None:
    source = Path(__file__).parents[2] / "src"
    found = set(find_namespace_packages(str(source), include=["flashstream.kernels*"]))
    room = "flashstream.kernels"
    assert found == {room, *(f"{room}.{op}" for op in OPS)}
