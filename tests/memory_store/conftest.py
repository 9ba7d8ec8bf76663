"""Real servers for the stores, started once, and small memories to put in them."""

import socket
from collections.abc import Callable, Iterator

import pytest
from support.memories import CHANNELS, GRID, KINDS, STAR, Features, Kind, scenes
from support.servers import Server, cluster, redis_binary, valkey_binary

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
    """Debian's Redis 7.0, reached by a Unix socket; each write is on disk before its answer."""
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "redis.sock"
    options = ["--unixsocket", str(path), "--appendonly", "yes", "--appendfsync", "always"]
    with Server(redis_binary(), folder, *options):
        yield f"unix://{path}"


@pytest.fixture(scope="session")
def cluster_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Three masters of a Valkey cluster."""
    with cluster(tmp_path_factory.mktemp("cluster"), valkey_binary()) as nodes:
        yield nodes


@pytest.fixture(scope="session")
def cluster_url(cluster_nodes: list[Server]) -> str:
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster_nodes)
    return f"redis+cluster://{hosts}"


@pytest.fixture(params=["local", "valkey", "redis", "redis-strict", "cluster"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each store in turn; streams of earlier tests may be in it, so tests name their own."""
    if request.param == "local":
        yield LocalStore()
        return
    server, _, strict = request.param.partition("-")
    url = request.getfixturevalue(f"{server}_url")
    made = RedisStore(url, "strict" if strict else "everysec")
    yield made
    made.close()


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
