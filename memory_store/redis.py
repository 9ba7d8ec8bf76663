"""A store on Redis ≥ 7 or Valkey. The key schema is at the head of `redis.lua`."""

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from itertools import chain
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from flashstream.errors import CorruptRecordError, DurabilityError, StoreError
from flashstream.memory_store.durability import Acknowledged, OnDisk
from flashstream.memory_store.patience import Patience
from flashstream.memory_store.redis_servers import servers_at
from flashstream.memory_store.redis_url import Topology, parse
from flashstream.memory_store.store import Commit, Durability, StoredMemory

T = TypeVar("T")

_REGISTRY = "fs:streams"
_RECORDS_KEY = "fs:{*}:records"
_SCRIPT = files(__package__).joinpath("redis.lua").read_bytes()
_SCRIPT_SHA = hashlib.sha1(_SCRIPT, usedforsecurity=False).hexdigest()
# Streams are watched on meanwhile, but by the thread that waits: their next commit asks again.
_PATIENCE_S = {Topology.SERVER: 0.5, Topology.SENTINEL: 2.0, Topology.CLUSTER: 2.0}
_DISK_SHARE = 2 / 3  # of the timeout; servers look at their clock ten times a second


class RedisStore:
    """`Store` on one Redis server, on a master named by sentinels, or on a cluster.

    url: see `redis_url`. durability: when a write is acknowledged (docs/durability.md).
    timeout_s: longest wait for a connection and for one answer. What fails for a passing reason
    is tried again for `patience_s` seconds (by default 0.5, with sentinels or a cluster 2): every
    command here may be repeated, since a commit that did reach the server answers its repeat with
    DUPLICATE. A server that does not answer in time is not asked again.

    Raises SettingError for a malformed URL, later StoreError, neither with a password in it, if
    the server is away or refuses.
    """

    def __init__(
        self,
        url: str,
        durability: Durability = "everysec",
        *,
        timeout_s: float = 3.0,
        patience_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address = parse(url)
        self._clock = clock
        self._servers = servers_at(self._address, timeout_s)
        wait_s = self._address.options.get("socket_timeout", timeout_s) * _DISK_SHARE
        self._durability = OnDisk(wait_s) if durability == "strict" else Acknowledged()
        longest_s = _PATIENCE_S[self._address.topology] if patience_s is None else patience_s
        self._patience = Patience(longest_s)

    def __repr__(self) -> str:
        return f"RedisStore({self._address.shown})"

    def claim(self, stream: str) -> int:
        return int(self._run_script(stream, "claim"))

    def commit(
        self,
        stream: str,
        epoch: int,
        version: int,
        changes: Mapping[str, bytes],
        removed: Collection[str] = (),
        *,
        base: int | None = None,
    ) -> Commit:
        args: list[str | int | bytes] = ["commit", epoch, version]
        args += ["" if base is None else base, len(changes)]
        for name, data in changes.items():
            args += [name, data]
        answer: bytes = self._run_script(stream, *args, *removed)
        return Commit(answer.decode())

    def load(self, stream: str) -> StoredMemory | None:
        meta, records = _keys(stream)

        def both(server: Redis) -> Any:
            together: Any = server.pipeline(transaction=True)
            together.hmget(meta, "epoch", "version").hgetall(records)
            return together.execute()

        (epoch, version), stored = self._ask(meta, both)
        if not stored:
            return None
        try:
            by_name = {name.decode(): data for name, data in stored.items()}
            return StoredMemory(int(epoch or 0), int(version or 0), by_name)
        except ValueError as error:
            raise CorruptRecordError(
                f'what is stored under "{meta}" and "{records}" cannot be read: {error}',
                record=meta,
            ) from error

    def remembered(self) -> list[str]:
        def look() -> set[str]:
            servers = self._servers.masters()
            keys: Any = chain.from_iterable(s.scan_iter(_RECORDS_KEY, count=1000) for s in servers)
            return {key.decode() for key in keys}

        with self._reported():
            found = self._patience(look, self._servers.doubt)
        return sorted(key.removeprefix("fs:{").removesuffix("}:records") for key in found)

    def delete(self, stream: str) -> None:
        index = _pictures_key(stream)
        ids: Any = self._ask(index, lambda server: server.zrange(index, 0, -1))
        pictures = [_picture_key(stream, picture.decode()) for picture in ids]
        self._write(stream, "UNLINK", *_keys(stream), index, *pictures)

    def put_picture(self, stream: str, picture: str, jpeg: bytes, ttl_s: int) -> None:
        key, index, now = _picture_key(stream, picture), _pictures_key(stream), self._clock()

        def put(server: Redis) -> None:
            together: Any = server.pipeline(transaction=True)
            together.zadd(index, {picture: now + ttl_s}, gt=True)
            together.zremrangebyscore(index, "-inf", now)
            together.expire(index, ttl_s, nx=True).expire(index, ttl_s, gt=True)
            together.expire(key, ttl_s)
            if not together.execute()[-1]:  # many answers show the same picture: it is sent once
                server.set(key, jpeg, ex=ttl_s)

        self._ask(index, put)

    def picture(self, stream: str, picture: str) -> bytes | None:
        key = _picture_key(stream, picture)
        jpeg: Any = self._ask(key, lambda server: server.get(key))
        return None if jpeg is None else bytes(jpeg)

    def put_stream(self, stream: str, spec: Mapping[str, Any]) -> None:
        self._write(_REGISTRY, "HSET", _REGISTRY, stream, json.dumps(dict(spec)))

    def streams(self) -> dict[str, dict[str, Any]]:
        found: Any = self._ask(_REGISTRY, lambda server: server.hgetall(_REGISTRY))
        return {stream.decode(errors="replace"): _spec(spec) for stream, spec in found.items()}

    def remove_stream(self, stream: str) -> None:
        self._write(_REGISTRY, "HDEL", _REGISTRY, stream)

    def ping(self) -> None:
        def ask() -> None:
            for server in self._servers.masters():
                server.ping()
                self._durability.check(server)

        with self._reported():
            self._patience(ask, self._servers.doubt)

    def close(self) -> None:
        self._servers.close()

    def _run_script(self, stream: str, *args: str | int | bytes) -> Any:
        given = (2, *_keys(stream), *args)

        def run(server: Redis) -> Any:
            try:
                return self._durability.write(server, stream, "EVALSHA", _SCRIPT_SHA, *given)
            except NoScriptError:
                return self._durability.write(server, stream, "EVAL", _SCRIPT, *given)

        return self._ask(_keys(stream)[0], run)

    def _write(self, tag: str, command: str, key: str, *args: str) -> None:
        self._ask(key, lambda server: self._durability.write(server, tag, command, key, *args))

    def _ask(self, key: str, do: Callable[[Redis], T]) -> T:
        with self._reported():
            return self._patience(lambda: do(self._servers.master(key)), self._servers.doubt)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        shown = self._address.shown
        try:
            yield
        except DurabilityError as error:
            raise DurabilityError(
                f"the memory store at {shown}: {error.message}", url=shown
            ) from error
        except (RedisError, RedisClusterException, OSError) as error:
            text = self._address.without_secrets(str(error))
            # What names a secret is no cause to be printed below the error either.
            cause = error if text == str(error) else None
            raise StoreError(f"the memory store at {shown} failed: {text}", url=shown) from cause


def _keys(stream: str) -> tuple[str, str]:
    return f"fs:{{{stream}}}:meta", f"fs:{{{stream}}}:records"


def _pictures_key(stream: str) -> str:
    return f"fs:{{{stream}}}:pictures"


def _picture_key(stream: str, picture: str) -> str:
    return f"fs:{{{stream}}}:picture:{picture}"


def _spec(stored: bytes) -> dict[str, Any]:
    try:
        spec = json.loads(stored)
    except ValueError:
        return {}
    return spec if isinstance(spec, dict) else {}
