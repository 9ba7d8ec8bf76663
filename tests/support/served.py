"""`flashstream serve` as a process of its own, for end-to-end tests."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from flashstream.client import Client

FLASHSTREAM = str(Path(sys.executable).with_name("flashstream"))
START_S = 240
FIRST, SECOND = "espresso", "cheetah"
FIRST_S = 6.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `what` returns once it is true."""
    tries = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(0.2),
        retry=retry_if_result(lambda result: not result),
    )
    return tries(what)


class Served:
    """`flashstream serve` as a process of its own, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http_port, self.metrics_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.metrics_url = ""
        self._process: subprocess.Popen[str] | None = None

    def arguments(self, *more: str) -> list[str]:
        return [
            *(FLASHSTREAM, "serve", "--json", "--port", str(self.http_port)),
            *("--data-dir", str(self.folder / "data")),
            *("--set", f"metrics.port={self.metrics_port}"),
            *("--set", "answers.max_question_chars=200"),
            *more,
        ]

    def start(self, *more: str) -> None:
        with (self.folder / "serve.log").open("a") as log:
            self._process = subprocess.Popen(
                self.arguments(*more), stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
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
            pytest.fail(f"serve did not start: {(self.folder / 'serve.log').read_text()[-4000:]}")
        self.metrics_url = json.loads(text)["metrics"]

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._end()

    def _end(self) -> int:
        assert self._process is not None
        with self._process as process:  # waits, and closes its output
            code = process.wait(90)
        self._process = None
        return code

    def client(self) -> Client:
        return Client(self.url)

    def processes(self, title: str) -> list[psutil.Process]:
        """Processes of this platform whose title begins so."""
        if self._process is None:
            return []
        found = []
        root = psutil.Process(self._process.pid)
        for child in (root, *root.children(recursive=True)):
            try:
                if " ".join(child.cmdline()).startswith(title):
                    found.append(child)
            except psutil.Error:
                continue
        return found

    def told(self, lines: int = 60) -> str:
        """The end of its log, and the titles of its processes; for the report of a failed test."""
        titles = []
        for each in self.processes(""):
            with contextlib.suppress(psutil.Error):  # gone since
                titles.append(" ".join(each.cmdline())[:100])
        log = (self.folder / "serve.log").read_text().splitlines()[-lines:]
        return "\n".join([*log, *titles])

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None
