"""Clients of the servers that a store's URL names, whoever is master just now."""

import threading
import time
from collections.abc import Iterable
from typing import Any, Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from flashstream.memory_store.redis_url import RedisAddress, Topology

_NAME = "flashstream"
_IDLE_S = 120.0


class RedisServers(Protocol):
    """Where the data is. Thread-safe; methods may raise what redis-py raises."""

    def master(self, key: str) -> Redis:
        """The client of the server that has the key (and all others of its hash tag)."""
        ...

    def masters(self) -> list[Redis]:
        """Clients of the servers that have all keys together."""
        ...

    def doubt(self) -> None:
        """A server failed or said that it is not the master: find out anew at the next use."""
        ...

    def close(self) -> None: ...


def servers_at(address: RedisAddress, timeout_s: float) -> RedisServers:
    """The servers at an address; connects at the first use.

    timeout_s: longest wait for a connection and for one answer, unless the URL says otherwise.
    The clients try nothing twice: that is left to `Patience`.
    """
    waits = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    options: dict[str, Any] = waits | {"client_name": _NAME} | address.options
    if address.topology is Topology.CLUSTER:
        return ClusterServers(address.nodes, options)
    options["retry"] = _once()
    if address.topology is Topology.SENTINEL:
        to_sentinels: dict[str, Any] = waits | address.sentinel_options | {"retry": _once()}
        sentinels = Sentinel(address.nodes, sentinel_kwargs=to_sentinels)
        return OneServer(sentinels.master_for(address.service, **options), sentinels)
    if address.nodes:
        ((host, port),) = address.nodes
        options |= {"host": host, "port": port}
    return OneServer(Redis(**options))


def _once() -> Retry:
    return Retry(NoBackoff(), 0)


class _Surplus:
    """Connections of which redis-py keeps as many as were ever in use at once, for ever: those that
    are not in use are closed now and then, and opened again when they are needed."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_s = time.monotonic() + every_s

    def close_of(self, clients: Iterable[Redis]) -> None:
        """Close them if it is time."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + self._every_s
            for client in clients:
                client.connection_pool.disconnect(inuse_connections=False)


class OneServer:
    """One server, or the one that sentinels name at each new connection."""

    def __init__(
        self, client: Redis, sentinels: Sentinel | None = None, *, idle_s: float = _IDLE_S
    ) -> None:
        self._client = client
        self._sentinels = sentinels
        self._surplus = _Surplus(idle_s)

    def master(self, key: str) -> Redis:
        self._surplus.close_of([self._client])
        return self._client

    def masters(self) -> list[Redis]:
        return [self._client]

    def doubt(self) -> None:
        self._client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        self._client.close()
        if self._sentinels is not None:
            self._sentinels.close()


class ClusterServers:
    """The masters of a cluster. `RedisCluster` keeps the map of slots; commands go to the node's
    own client, so that a script, a transaction and a wait for the disk share one connection."""

    def __init__(
        self,
        nodes: tuple[tuple[str, int], ...],
        options: dict[str, Any],
        *,
        idle_s: float = _IDLE_S,
    ) -> None:
        self._nodes = nodes
        self._options = options
        self._lock = threading.Lock()
        self._cluster: RedisCluster | None = None
        self._doubted = False
        self._surplus = _Surplus(idle_s)

    def master(self, key: str) -> Redis:
        cluster = self._current()
        self._surplus.close_of(
            cluster.get_redis_connection(node) for node in cluster.get_primaries()
        )
        return cluster.get_redis_connection(cluster.get_node_from_key(key))

    def masters(self) -> list[Redis]:
        cluster = self._current()
        return [cluster.get_redis_connection(node) for node in cluster.get_primaries()]

    def doubt(self) -> None:
        self._doubted = True

    def close(self) -> None:
        with self._lock:
            if self._cluster is not None:
                self._cluster.close()
                self._cluster = None

    def _current(self) -> RedisCluster:
        with self._lock:
            if self._cluster is None:
                self._cluster = RedisCluster(
                    startup_nodes=[ClusterNode(host, port) for host, port in self._nodes],
                    retry=_once(),
                    # Slots that no server has concern the streams in them only.
                    require_full_coverage=False,
                    **self._options,
                )
            elif self._doubted:
                self._cluster.nodes_manager.initialize()
            self._doubted = False
            return self._cluster
