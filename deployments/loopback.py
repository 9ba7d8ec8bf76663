"""Keeps Serve's replicas off the network when the whole cluster is on loopback."""

import ray
from ray.serve._private import replica

_ANY = "[::]"
_LOOPBACK = "127.0.0.1"


def keep_replica_on_loopback() -> None:
    """Call in a replica's constructor, before Serve opens the replica's own gRPC port.

    That port takes pickles, which whoever reaches it can make run code, and Serve (2.60) opens it
    on all interfaces with no setting to change that, even in a cluster that is on loopback. An
    end-to-end test looks at the ports that are really open.
    """
    if ray.util.get_node_ip_address() != _LOOPBACK:
        return
    opened = replica.add_port_to_grpc_server

    def add_port(server: object, address: str) -> int:
        port: int = opened(server, address.replace(_ANY, _LOOPBACK))
        return port

    replica.add_port_to_grpc_server = add_port
