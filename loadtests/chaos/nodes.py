"""A Ray cluster of two nodes on this machine, of which one can be killed and replaced."""

import contextlib
import os
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import psutil

from flashstream.actors.ray_config import RAY_CONFIG, set_environment
from flashstream.errors import MissingPackageError, NotReadyError
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.ray_head import keep_ray_on_loopback

_GCS_STORE: Final = "RAY_REDIS_ADDRESS"
_OBJECTS: Final = 128 << 20
_HEALTH: Final = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3,
}
"""A node that is gone is noticed in some seconds; Ray's own pace takes half a minute."""

CLOCK_READ_S: Final = 1
_LIBRARY: Final = "libfaketimeMT.so.1"


class TwoNodes:
    """The head, which a service joins, and a second node, whose clock can be set; both end with
    the context.

    folder: for the store of what the head's GCS knows, and for the file that the second node's
    processes read their clock's error from, where Debian's faketime is installed.
    """

    def __init__(self, folder: Path) -> None:
        self._clock = folder / "clock"
        self._gcs = folder / "gcs"
        self._cluster: Any = None
        self._second: Any = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        keep_ray_on_loopback()
        set_environment()
        from ray.cluster_utils import Cluster

        with ExitStack() as stack:
            # A GCS that dies is started again with what it knew, as on any cluster that shall last.
            known = urlsplit(stack.enter_context(EmbeddedValkey(self._gcs)).url)
            os.environ[_GCS_STORE] = f"{known.hostname}:{known.port}"
            self._cluster = Cluster(
                initialize_head=True,
                head_node_args={
                    "num_cpus": 2,
                    "object_store_memory": _OBJECTS,
                    "include_dashboard": False,
                    "redis_username": known.username,
                    "redis_password": known.password,
                    "_system_config": _HEALTH | RAY_CONFIG,
                },
            )
            stack.callback(self._cluster.shutdown)
            del os.environ[_GCS_STORE]  # which concerns no other node, nor the service
            self.replace()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def address(self) -> str:
        """Of the head, as `ray.address` takes it."""
        return str(self._cluster.address)

    def behead(self, dead: bool) -> None:
        """SIGKILL of the head's GCS, or its start."""
        if dead:
            self._cluster.head_node.kill_gcs_server()
        else:
            self._cluster.head_node.start_gcs_server()

    def replace(self) -> None:
        """Add a second node."""
        self._clock.write_text("+0")
        self._second = self._cluster.add_node(
            num_cpus=1, object_store_memory=_OBJECTS, env_vars=self._stepped_clock()
        )

    def _stepped_clock(self) -> dict[str, str]:
        library = _faketime()
        if library is None:
            return {}
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_CACHE_DURATION": f"{CLOCK_READ_S}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # a clock that is set is the wall's alone
            # What it finds out by itself is wrong for glibc 2.36: waits with a limit end at once,
            # and Ray's workers with them.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def step(self, seconds: int) -> None:
        """Have the second node's clock be wrong by so much, from `CLOCK_READ_S` on at the latest;
        raises what `check_clock` does, and `NotReadyError` if its processes read another clock."""
        check_clock()
        for process in self._raylet().children():
            with contextlib.suppress(psutil.Error, OSError):  # it has ended meanwhile
                if _LIBRARY not in Path(f"/proc/{process.pid}/maps").read_text():
                    raise NotReadyError(f"{process.cmdline()} of the second node has no {_LIBRARY}")
        beside = self._clock.with_suffix(".new")
        beside.write_text(f"{seconds:+d}")
        beside.replace(self._clock)

    def kill(self) -> float:
        """SIGKILL of everything on the second node, as when a machine loses power; when it was,
        by `time.monotonic`."""
        raylet = self._raylet()
        doomed = [*raylet.children(recursive=True), raylet]
        began = time.monotonic()
        for process in reversed(doomed):
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._cluster.remove_node(self._second, allow_graceful=False)
        return began

    def _raylet(self) -> psutil.Process:
        return psutil.Process(self._second.all_processes["raylet"][0].process.pid)


def check_clock() -> None:
    """Raise `MissingPackageError` if no node's clock can be set here."""
    if _faketime() is None:
        raise MissingPackageError(
            "the fault clock_stepped needs libfaketime; `apt-get install faketime` brings it, and "
            "--kinds leaves the fault out",
            package="faketime",
        )


def _faketime() -> Path | None:
    return next(Path("/usr/lib").glob(f"*/faketime/{_LIBRARY}"), None)


def own_processes() -> list[psutil.Process]:
    """All that this process has started, and what that has."""
    return psutil.Process(os.getpid()).children(recursive=True)
