"""The clients of a store's servers keep no more connections than are of use."""

import time
from collections.abc import Callable

import pytest
from redis import Redis
from support.servers import Server

from flashstream.memory_store.redis_servers import ClusterServers, OneServer, RedisServers

_IDLE_S = 0.5


def alone(nodes: list[Server]) -> RedisServers:
    return OneServer(Redis(port=nodes[0].port, client_name="many"), idle_s=_IDLE_S)


def together(nodes: list[Server]) -> RedisServers:
    places = tuple(("127.0.0.1", node.port) for node in nodes)
    return ClusterServers(places, {"client_name": "many"}, idle_s=_IDLE_S)


@pytest.mark.parametrize("start", [alone, together])
def test_connections_that_only_a_rush_needed_are_closed_again(
    start: Callable[[list[Server]], RedisServers], cluster_nodes: list[Server]
) -> None:
    def connections() -> list[int]:
        listed = [node.client.client_list() for node in cluster_nodes]
        return [sum(each["name"] == "many" for each in clients) for clients in listed]

    servers = start(cluster_nodes)
    try:
        for master in servers.masters():
            rush = [master.connection_pool.get_connection() for _ in range(3)]
            for connection in rush:
                master.connection_pool.release(connection)
        servers.master("yard")
        assert sum(connections()) == 3 * len(servers.masters())
        time.sleep(_IDLE_S + 0.1)
        assert servers.master("yard").ping()
        assert sum(connections()) == 1
    finally:
        servers.close()
