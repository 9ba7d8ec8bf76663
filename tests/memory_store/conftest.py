"""Real servers for the stores, started once, and small memories to put in them."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.memories import CHANNELS, GRID, KINDS, STAR, Features, Kind, scenes

from flashstream.errors import StoreError
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.star import StarConfig, StarMemory
from flashstream.memory_store.store import Store


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of memory in turn."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def small() -> StarConfig:
    """Sizes with all grids and numbers different enough to tell them apart."""
    return STAR


@pytest.fixture
def frames() -> Callable[[int], list[Features]]:
    """Makes that many frames; see `scenes`."""
    return scenes


@pytest.fixture
def new_memory() -> Callable[[], StarMemory]:
    """Makes empty small memories, all alike."""

    def make() -> StarMemory:
        return StarMemory(STAR, GRID, CHANNELS, stream="yard", epoch=1, fingerprint="f00d")

    return make


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's Redis 7.0, reached by a Unix socket."""
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("no redis-server is installed; CI needs one (Debian: redis-server)")
        pytest.skip("no redis-server is installed")
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
    with subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(path)
            yield f"unix://{path}"
        finally:
            process.terminate()


def _wait_for(path: Path) -> None:
    store = RedisStore(f"unix://{path}")
    deadline = time.monotonic() + 10
    while True:
        try:
            store.ping()
        except StoreError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            store.close()
            return


@pytest.fixture(params=["local", "valkey", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each store in turn; streams of earlier tests may be in it, so tests name their own."""
    if request.param == "local":
        yield LocalStore()
        return
    made = RedisStore(request.getfixturevalue(f"{request.param}_url"))
    yield made
    made.close()


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
