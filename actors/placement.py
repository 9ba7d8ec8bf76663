"""On which node a watcher is started."""

from collections.abc import Collection, Mapping

from flashstream.actors.crew import Node
from flashstream.errors import OverloadedError, UnknownNodeError

_SHORTEST_PREFIX = 6
_MIB = 1 << 20


def least_loaded(
    nodes: Collection[Node], drained: Collection[str], streams: Mapping[str, int]
) -> str | None:
    """The id of the node with the fewest streams that is not drained; drained ones only if there
    are no others. None leaves it to the cluster, where there is no choice."""
    if len(nodes) < 2:
        return None
    usable = [node.id for node in nodes if node.id not in drained] or [node.id for node in nodes]
    return min(usable, key=lambda node: (streams.get(node, 0), node))


def named(nodes: Collection[Node], name: str) -> Node:
    """The node of that id (or its beginning), name or address; `UnknownNodeError` otherwise."""
    found = [
        node
        for node in nodes
        if name in (node.id, node.name, node.address)
        or (len(name) >= _SHORTEST_PREFIX and node.id.startswith(name))
    ]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} nodes are called" if found else "no node is called"
    raise UnknownNodeError(
        f"{what} '{name[:80]}'; accepted: an id, or a name or address that only one node has; "
        f"there are: {', '.join(f'{node.id} ({node.name})' for node in nodes)}",
        node=name[:80],
    )


def check_room(usable: Mapping[str, list[int]], limit_mb: int) -> None:
    """Raise `OverloadedError` if no node has room for one more memory.

    usable: sizes in bytes of the memories on each node that takes streams. The next one is taken
    to become as large as the largest.
    """
    if limit_mb == 0 or not usable:
        return
    held = {node: sum(sizes) for node, sizes in usable.items()}
    next_bytes = max((size for sizes in usable.values() for size in sizes), default=0)
    if min(held.values()) + next_bytes <= limit_mb * _MIB:
        return
    shown = ", ".join(
        f"{node[:12]} holds {held[node] / _MIB:.0f} MiB of {len(sizes)} streams"
        for node, sizes in sorted(usable.items())
    )
    raise OverloadedError(
        f"no node has room for one more memory: {shown}, a memory takes up to "
        f"{next_bytes / _MIB:.1f} MiB, and the limit on a node is {limit_mb} MiB; delete a stream, "
        "add or undrain a node, or raise streams.memory_limit_mb",
        setting="streams.memory_limit_mb",
        limit=limit_mb,
        nodes=held,
    )
