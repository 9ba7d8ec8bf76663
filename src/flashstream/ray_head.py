"""Ray's head where this process has it: its start, and whether it lives."""

import logging
import os
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

import psutil
import structlog

from flashstream.actors.ray_config import RAY_CONFIG, set_environment
from flashstream.config import Settings
from flashstream.living import lives

_VITAL: Final = ("raylet", "gcs_server")
_END_S: Final = 10.0


class RayHead:
    """Processes of Ray that are this one's children.

    Nothing starts these two again, and Ray is nothing without them: all actors end with the raylet;
    without the GCS none is started any more, and after a minute every process of Ray ends, the one
    that has started it included.
    """

    def __init__(self, processes: Collection[psutil.Process]) -> None:
        self._processes = list(processes)
        self._vital = {name: each for each in processes if (name := each.name()) in _VITAL}

    @classmethod
    def start(cls, settings: Settings) -> Self:
        """Start one that listens on loopback alone, and join it; `ray.shutdown` ends it."""
        keep_ray_on_loopback()
        set_environment()
        import ray

        # Its notes of a start that went well would tear the progress bars apart.
        logging.getLogger("ray").setLevel(logging.ERROR)
        before = psutil.Process().children()
        try:
            with interrupts_kept_from_children(), own_sigterm_handler():
                ray.init(
                    # Not the cluster that RAY_ADDRESS or a file of Ray's may name.
                    address="local",
                    namespace=settings.ray.namespace,
                    _node_ip_address="127.0.0.1",
                    include_dashboard=False,
                    object_store_memory=settings.ray.object_store_mb << 20,
                    _metrics_export_port=settings.metrics.port,
                    log_to_driver=False,
                    configure_logging=False,
                    _system_config=RAY_CONFIG,
                )
        except BaseException:
            # Told to end meanwhile, Ray would leave agents behind that live for another minute.
            cls._children_but(before).end()
            raise
        return cls._children_but(before)

    @classmethod
    def _children_but(cls, others: Collection[psutil.Process]) -> Self:
        return cls(set(psutil.Process().children()) - set(others))

    @property
    def dead(self) -> str:
        """The first of the two that lives no more; empty while both do."""
        return next((name for name, each in self._vital.items() if not lives(each)), "")

    def end(self) -> None:
        """SIGKILL of all that is left of it. What had lost its parent ends by itself."""
        doomed = list(self._processes)
        for each in self._processes:
            with suppress(psutil.Error):
                doomed += each.children(recursive=True)
        for each in doomed:
            with suppress(psutil.Error):
                each.kill()
        psutil.wait_procs(doomed, _END_S)


def keep_ray_on_loopback() -> None:
    """Have Ray take 127.0.0.1 as this node's address, and so listen nowhere else.

    Ray replaces a loopback address by the machine's own unless it is told, before it is imported,
    that there will be no cluster.
    """
    if "ray" in sys.modules:
        structlog.get_logger().warning("ray_listens_on_all_interfaces", reason="imported before")
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


@contextmanager
def own_sigterm_handler() -> Iterator[None]:
    """What this process does at SIGTERM stays what it was: Ray puts a handler of C++ in its place,
    which aborts."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def interrupts_kept_from_children() -> Iterator[None]:
    """Processes started within do not get Ctrl-C, which a terminal sends to all of a command's:
    Ray has to outlive it until every memory is written."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
