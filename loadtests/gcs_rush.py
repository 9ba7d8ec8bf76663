"""A rush on Ray's GCS: far more calls at once than there are cores for them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Final

import psutil

from flashstream.errors import NotReadyError

_PROCESSES: Final = 6  # each has a connection of its own
_THREADS: Final = 4
_LONGEST_S: Final = 600.0  # callers whose starter was killed end by themselves
_KEY: Final = b"flashstream-gcs-rush"
_ADDRESS: Final = "--gcs-address="


@contextmanager
def gcs_rush(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """It goes on while the context lasts, for ten minutes at most, in processes of its own, and
    leaves one small key.

    Ray's gRPC begins a thread more when calls meet and wait for a core, up to twice
    `RAY_num_grpc_internal_threads`, and keeps it for ever. The GCS, which all processes call, gets
    its own one by one in hours; in a rush, within seconds.

    processes: a raylet of that GCS is among them. `NotReadyError` if none is, or if the GCS could
    not be called.
    """
    address, environment = _gcs_of(processes)
    callers = [
        subprocess.Popen([sys.executable, "-m", __name__, address], env=environment)
        for _ in range(_PROCESSES)
    ]
    try:
        yield
        ended = sum(caller.poll() is not None for caller in callers)
    finally:
        for caller in callers:
            caller.kill()
        for caller in callers:
            caller.wait()
    if ended:
        raise NotReadyError(f"{ended} of {_PROCESSES} could not call Ray's GCS at {address}")


def _gcs_of(processes: Iterable[psutil.Process]) -> tuple[str, dict[str, str]]:
    """Where it listens, as the raylet was told, and the environment of those who may call it."""
    for process in processes:
        with suppress(psutil.Error):
            for word in process.cmdline():
                if process.name() == "raylet" and word.startswith(_ADDRESS):
                    told = process.environ().items()
                    access = {name: value for name, value in told if name.startswith("RAY_AUTH_")}
                    return word.removeprefix(_ADDRESS), os.environ | access
    raise NotReadyError("none of the processes is a raylet")


def _call(client: Any) -> None:
    end = time.monotonic() + _LONGEST_S
    while time.monotonic() < end:
        client.internal_kv_put(_KEY, bytes(1000), True, None)
        client.internal_kv_get(_KEY, None)


def _main(address: str) -> None:
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled

    client = GcsClient(address=address)
    with ThreadPoolExecutor(_THREADS) as pool:
        for call in [pool.submit(_call, client) for _ in range(_THREADS)]:
            call.result()


if __name__ == "__main__":
    _main(sys.argv[1])
