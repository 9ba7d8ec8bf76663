"""The kernels compile for a GPU, also where there is none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
H200 = "90"
WANTED = {
    "quantize": {"_quantize"},
    "dequantize": {"_dequantize"},
    "patchify": {"_patchify"},
    "nearest": {"_nearest"},
    "ward_update": {"choose", "merge"},
}


def test_every_kernel_compiles_for_an_h200_and_keeps_to_its_registers(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-W", "error", HERE / "compiling.py", H200],
        env={**environment, "TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stderr[-4000:])
    found = json.loads(done.stdout)
    assert {case.split()[0] for case in found} == set(WANTED)
    for case, kernels in found.items():
        assert set(kernels) == WANTED[case.split()[0]], case
        for name, usage in kernels.items():
            assert 0 < usage["reg"] <= 128, (case, name, usage)
            assert usage["local"] == usage["stack"] == 0, (case, name, usage)
