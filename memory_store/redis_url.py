"""What a store's URL says: where its servers are, how to speak to them, and what may be shown."""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import unquote

from flashstream.errors import SettingError
from flashstream.memory_store.redis_options import (
    SECRETS,
    put_credentials,
    put_query,
    taken_for_sentinels,
)

ACCEPTED = (
    "accepted: redis://[user:password@]host[:port][/db]; "
    "redis+sentinel://[user:password@]host[:port],…/service[/db]; "
    "redis+cluster://[user:password@]host[:port],…; "
    "each over TLS as rediss://, rediss+sentinel://, rediss+cluster://; "
    "unix://[user:password@]/path; memory://. "
    "Special characters of names and passwords are percent-encoded"
)


class Topology(Enum):
    """Who has the data: one server, the master that sentinels name, or the nodes of a cluster."""

    SERVER = "server"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A URL, read and checked.

    shown: the URL without user, password and options.
    nodes: hosts and ports of the server, the sentinels, or some nodes of the cluster; none for a
        Unix socket.
    service: what the sentinels call the master.
    options, sentinel_options: redis-py's keyword arguments for connections to either.
    secrets: what must not be in any message.
    """

    shown: str
    topology: Topology
    nodes: tuple[tuple[str, int], ...]
    service: str
    options: dict[str, Any] = field(repr=False)
    sentinel_options: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def without_secrets(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


_SCHEMES = {
    "redis": Topology.SERVER,
    "redis+sentinel": Topology.SENTINEL,
    "redis+cluster": Topology.CLUSTER,
}
_PORTS = {Topology.SERVER: 6379, Topology.SENTINEL: 26379, Topology.CLUSTER: 6379}

# No "@" after the hosts: there it would be the end of a password that was not percent-encoded.
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z+]*)://(?:(?P<user>[^@/?#]*)@)?(?P<hosts>[^@/?#]*)(?P<path>/[^@?#]*)?"
    r"(?:\?(?P<query>[^@#]*))?",
    re.ASCII,
)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?", re.ASCII)


def parse(url: str) -> RedisAddress:
    """Read a redis, rediss or unix URL; see `ACCEPTED`.

    Raises SettingError, without any secret in it, naming what is wrong and what is accepted.
    """
    shown = redacted(url)
    parts = _URL.fullmatch(url)
    if parts is None or shown == _UNREADABLE:
        raise SettingError(f"store.redis_url is no URL that can be read; {ACCEPTED}")
    scheme, path = parts["scheme"], parts["path"] or ""
    tls = scheme.startswith("rediss")
    topology = _SCHEMES.get(scheme.replace("rediss", "redis", 1))
    if scheme == "unix":
        topology = Topology.SERVER
    if topology is None:
        raise SettingError(f"{shown} is no store's URL; {ACCEPTED}")

    def refuse(why: str) -> SettingError:
        return SettingError(f"{shown} is no Redis URL: {why}; {ACCEPTED}")

    nodes: tuple[tuple[str, int], ...] = ()
    service = ""
    options: dict[str, Any] = {}
    if scheme == "unix":
        if parts["hosts"] or len(path) < 2:
            raise refuse("a Unix socket has a path and no host")
        options["unix_socket_path"] = unquote(path)
    else:
        nodes = tuple(_node(host, _PORTS[topology]) for host in parts["hosts"].split(","))
        if any(not 1 <= port <= 65535 for _, port in nodes):
            raise refuse("ports are 1 to 65535")
        if topology is Topology.SERVER and len(nodes) > 1:
            raise refuse("it names several hosts; redis+sentinel:// and redis+cluster:// take them")
        if topology is Topology.SENTINEL:
            _, service, *rest = path.split("/", 2) if path else ("", "")
            service, path = unquote(service), "/" + "".join(rest)
            if not service:
                raise refuse("the name of the sentinels' service is missing")
        if not re.fullmatch(r"/?\d{0,9}", path, re.ASCII):
            raise refuse("the path's last part is the number of a database")
        if path.strip("/"):
            options["db"] = int(path.strip("/"))
        if tls:
            options["ssl"] = True
    put_credentials(parts["user"] or "", options)
    try:
        sentinels = topology is Topology.SENTINEL
        put_query(parts["query"] or "", options, tls=tls, sentinels=sentinels)
    except ValueError as error:
        raise refuse(str(error)) from None
    sentinel_options = taken_for_sentinels(options) if sentinels else {}
    if topology is Topology.CLUSTER and options.pop("db", 0) != 0:
        raise refuse("a cluster has database 0 only")
    given = [found.get(name) for found in (options, sentinel_options) for name in SECRETS]
    secrets = tuple({secret for secret in given if secret})
    return RedisAddress(shown, topology, nodes, service, options, sentinel_options, secrets)


_UNREADABLE = "(an unreadable URL)"


def redacted(url: str) -> str:
    """The URL without user, password and options, to be shown; a fixed text if that is unsure."""
    parts = _URL.fullmatch(url)
    if parts is None:
        return _UNREADABLE
    hosts = parts["hosts"]
    if hosts and not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        return _UNREADABLE
    if not hosts and parts["scheme"] not in ("unix", "memory"):
        return _UNREADABLE
    return f"{parts['scheme']}://{hosts}{parts['path'] or ''}"


def _node(text: str, port: int) -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    host, given = match.groups() if match else ("", None)
    return host.strip("[]"), int(given or port)
