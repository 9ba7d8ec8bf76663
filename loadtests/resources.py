"""What a service's processes use, by what they are."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from redis import Redis

KINDS: Final = {
    "ray::StreamActor": "stream",
    "ray::EncoderActor": "encoder",
    "ray::FleetActor": "fleet",
    "ray::ServeReplica:flashstream:answerer": "answerer",
    "VLLM::": "answerer",
    "ray::ServeReplica": "gateway",
    "ray::ServeController": "controller",
    "ray::ProxyActor": "proxy",
    "ray::DashboardAgent": "ray_agents",
    "ray::RuntimeEnvAgent": "ray_agents",
    "ray::IDLE": "idle_workers",
}
"""Titles' beginnings."""

PROGRAMS: Final = {
    "gcs_server": "gcs",
    "raylet": "raylet",
    "log_monitor.py": "ray_agents",
    "dashboard.py": "ray_agents",
    "monitor.py": "ray_agents",
    "flashstream": "serve",
}
"""What a process without such a title runs; all others are "rest"."""


@dataclass(slots=True)
class Use:
    """Of all processes of one kind: bytes (USS is what only they have), CPU seconds since they
    began, and counts."""

    processes: int = 0
    rss: int = 0
    uss: int = 0
    cpu_s: float = 0.0
    files: int = 0
    threads: int = 0


@dataclass(slots=True)
class Reading:
    """One look at a service: by kind of process, and the store's own figures."""

    by_kind: dict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    store: dict[str, Any] = field(default_factory=dict)

    def total(self, what: str) -> float:
        """The sum over all kinds."""
        return float(sum(getattr(use, what) for use in self.by_kind.values()))


def read(processes: Iterable[psutil.Process], store: "Redis | None" = None) -> Reading:
    """Look at processes (those that are gone meanwhile are left out) and at the store."""
    out = Reading()
    for process in processes:
        with contextlib.suppress(psutil.Error), process.oneshot():
            memory = process.memory_full_info()
            cpu = process.cpu_times()
            use = out.by_kind[kind(process)]
            use.processes += 1
            use.rss += memory.rss
            use.uss += memory.uss
            use.cpu_s += cpu.user + cpu.system
            use.files += process.num_fds()
            use.threads += process.num_threads()
    if store is not None:
        out.store = {**_info(store, "stats"), **_info(store, "memory"), **_info(store, "cpu")}
    return out


def thread_names(processes: Iterable[psutil.Process]) -> dict[str, Counter[str]]:
    """How many threads of each name, as the kernel has it, each kind of process has."""
    out: dict[str, Counter[str]] = defaultdict(Counter)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            names = out[kind(process)]
            for path in Path(f"/proc/{process.pid}/task").glob("*/comm"):
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    names[path.read_text().strip()] += 1
    return out


def changed(
    before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Of two `thread_names`, those whose number is another: by kind and name, the two numbers."""
    out: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for of in sorted(before.keys() | after.keys()):
        old, new = before.get(of, Counter()), after.get(of, Counter())
        for name in sorted(old.keys() | new.keys()):
            if old[name] != new[name]:
                out[of][name] = old[name], new[name]
    return out


def kind(process: psutil.Process) -> str:
    """What a process is, by its title or its program; an engine without either is known by its
    parent's title."""
    command = process.cmdline()
    # An interpreter and its options may come before the program.
    for word in command[:3]:
        if name := PROGRAMS.get(Path(word).name):
            return name
    for title in (command, *(parent.cmdline() for parent in process.parents()[:1])):
        for beginning, name in KINDS.items():
            if " ".join(title).startswith(beginning):
                return name
    return "rest"


def _info(store: "Redis", section: str) -> dict[str, Any]:
    found: Any = store.info(section)
    return dict(found)
