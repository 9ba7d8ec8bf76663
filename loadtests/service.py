"""`flashstream serve` as a process of its own, which can be stopped, killed and started again."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from flashstream import config
from flashstream.client import Client
from flashstream.errors import NotReadyError, SettingError

FLASHSTREAM = str(Path(sys.executable).with_name("flashstream"))
START_S = 240.0
STOP_S = 90.0


def check_own(sets: Sequence[str]) -> None:
    """`SettingError` if these would have a load test use what it has not started, of which it would
    read, and break, what is others'."""
    found = config.load(None, config.parsed(sets))
    for name, there in (
        ("store.redis_url", found.store.redis_url),
        ("ray.address", found.ray.address),
    ):
        if there is not None:
            raise SettingError(f"{name}: a load test starts its own; leave it out, or unset it")


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(what: Callable[[], Any], seconds: float = 30.0, every_s: float = 0.2) -> Any:
    """What `what` returns once it is true; `NotReadyError` if it is not in that time."""
    tries = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(every_s),
        retry=retry_if_result(lambda found: not found),
    )
    try:
        return tries(what)
    except RetryError:
        raise NotReadyError(f"not so within {seconds:g} s") from None


def titled(processes: Iterable[psutil.Process], title: str) -> list[psutil.Process]:
    """Those that are there still and whose title begins so."""
    found = []
    for each in processes:
        with contextlib.suppress(psutil.Error):
            if " ".join(each.cmdline()).startswith(title):
                found.append(each)
    return found


class Service:
    """One service on ports and a data folder of its own.

    folder: holds `serve.log` and the data; given to one service at a time.
    sets: settings as `--set` takes them.
    """

    def __init__(self, folder: Path, sets: Sequence[str] = ()) -> None:
        self.folder = folder
        self.http_port, self.metrics_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.metrics_url = ""
        self.logs = Path()
        self._sets = [f"metrics.port={self.metrics_port}", *sets]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running:
            self.stop()

    @property
    def log(self) -> Path:
        """What the service has said."""
        return self.folder / "serve.log"

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def arguments(self, *more: str) -> list[str]:
        """The command line."""
        sets = [part for each in self._sets for part in ("--set", each)]
        return [
            *(FLASHSTREAM, "serve", "--json", "--port", str(self.http_port)),
            *("--data-dir", str(self.folder / "data"), *sets, *more),
        ]

    def start(self, *more: str) -> None:
        """Start it and wait until it is ready; `NotReadyError`, with its log, if it does not."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self.arguments(*more), stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None  # noqa: S101 (asked for above)
        killer = threading.Timer(START_S, self._process.kill)
        killer.start()
        text = ""
        for line in self._process.stdout:
            text += line
            if line.startswith("}"):
                break
        killer.cancel()
        if not text.rstrip().endswith("}"):
            self._process.kill()
            self._end()
            raise NotReadyError(f"the service did not start: {self.log.read_text()[-4000:]}")
        addresses = json.loads(text)
        self.metrics_url, self.logs = addresses["metrics"], Path(addresses["logs"])

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return self._end()

    def _end(self) -> int:
        assert self._process is not None  # noqa: S101 (both callers have it)
        with self._process as process:  # waits, and closes its output
            try:
                code = process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        self._process = None
        return code

    def client(self, timeout_s: float = 120.0) -> Client:
        """A client of it."""
        return Client(self.url, timeout_s=timeout_s)

    def processes(self, title: str = "") -> list[psutil.Process]:
        """Its processes whose title begins so."""
        if self._process is None:
            return []
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self._process.pid)
            return titled([root, *root.children(recursive=True)], title)
        return []

    def told(self, lines: int = 60) -> str:
        """The end of its log, and the titles of its processes; for the report of a failure."""
        titles = []
        for each in self.processes():
            with contextlib.suppress(psutil.Error):  # gone since
                titles.append(" ".join(each.cmdline())[:100])
        return "\n".join([*self.log.read_text().splitlines()[-lines:], *titles])
