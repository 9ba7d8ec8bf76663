"""What the engine computes in, by what the CPU can multiply."""

import pytest
import torch

from flashstream.deployments.engine.loading import dtype_of
from flashstream.deployments.engine.settings import EngineSettings


@pytest.mark.parametrize(
    ("isa", "asked", "taken"),
    [
        ("AVX512", "auto", "auto"),
        ("AVX2", "auto", "float32"),
        ("DEFAULT", "auto", "float32"),
        ("AVX2", "bfloat16", "bfloat16"),
        ("AVX512", "float32", "float32"),
    ],
)
def test_a_cpu_that_cannot_multiply_bfloat16_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch, isa: str, asked: str, taken: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: isa)
    assert dtype_of(EngineSettings(dtype=asked)) == taken


def test_a_gpu_takes_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert dtype_of(EngineSettings()) == "auto"
