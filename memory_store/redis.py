"""A store on Redis ≥ 7 or Valkey. The key schema is at the head of `redis.lua`."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from flashstream.errors import SettingError, StoreError
from flashstream.memory_store.store import Commit, StoredMemory

_REGISTRY = "fs:streams"


class RedisStore:
    """`Store` on one Redis server.

    url: redis://, rediss:// (TLS) or unix://, with ACL user and password as redis-py reads them.
    timeout_s: longest wait for a connection and for one answer. A connection that was refused or
    broken is tried twice more after a random pause: every command here may be repeated, since a
    commit that did reach the server answers its repeat with DUPLICATE. A server that does not
    answer in time is not asked again.

    Raises StoreError, with the URL's password left out, if the server is away or refuses.
    """

    def __init__(
        self, url: str, *, timeout_s: float = 3.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.shown_url = redacted(url)
        self._clock = clock
        try:
            # Untyped: redis-py types every answer as the union of all its modes'.
            self._redis: Any = Redis.from_url(
                url,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(
                    ExponentialWithJitterBackoff(base=0.05, cap=0.5),
                    2,
                    supported_errors=(RedisConnectionError,),
                ),
                client_name="flashstream",
            )
        except ValueError as error:
            raise SettingError(f"{self.shown_url} is no Redis URL: {error}") from error
        source = files(__package__).joinpath("redis.lua").read_text(encoding="utf-8")
        self._script = self._redis.register_script(source)

    def claim(self, stream: str) -> int:
        with self._reported():
            return int(self._script(keys=_keys(stream), args=["claim"]))

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
        with self._reported():
            answer = self._script(keys=_keys(stream), args=[*args, *removed])
        return Commit(answer.decode())

    def load(self, stream: str) -> StoredMemory | None:
        meta, records = _keys(stream)
        with self._reported():
            together = self._redis.pipeline(transaction=True)
            together.hmget(meta, "epoch", "version").hgetall(records)
            (epoch, version), stored = together.execute()
        if not stored:
            return None
        by_name = {name.decode(): data for name, data in stored.items()}
        return StoredMemory(int(epoch or 0), int(version or 0), by_name)

    def delete(self, stream: str) -> None:
        index = f"fs:{{{stream}}}:pictures"
        with self._reported():
            ids = self._redis.zrange(index, 0, -1)
            pictures = [_picture_key(stream, picture.decode()) for picture in ids]
            self._redis.unlink(*_keys(stream), index, *pictures)

    def put_picture(self, stream: str, picture: str, jpeg: bytes, ttl_s: int) -> None:
        index = f"fs:{{{stream}}}:pictures"
        now = self._clock()
        with self._reported():
            together = self._redis.pipeline(transaction=True)
            together.set(_picture_key(stream, picture), jpeg, ex=ttl_s)
            together.zadd(index, {picture: now + ttl_s}, gt=True)
            together.zremrangebyscore(index, "-inf", now)
            together.expire(index, ttl_s, nx=True).expire(index, ttl_s, gt=True)
            together.execute()

    def picture(self, stream: str, picture: str) -> bytes | None:
        with self._reported():
            jpeg: bytes | None = self._redis.get(_picture_key(stream, picture))
        return jpeg

    def put_stream(self, stream: str, spec: Mapping[str, Any]) -> None:
        with self._reported():
            self._redis.hset(_REGISTRY, stream, json.dumps(dict(spec)))

    def streams(self) -> dict[str, dict[str, Any]]:
        with self._reported():
            found = self._redis.hgetall(_REGISTRY)
        return {stream.decode(): json.loads(spec) for stream, spec in found.items()}

    def remove_stream(self, stream: str) -> None:
        with self._reported():
            self._redis.hdel(_REGISTRY, stream)

    def ping(self) -> None:
        with self._reported():
            self._redis.ping()

    def close(self) -> None:
        self._redis.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            # redis-py's own messages name host and port at most, never the password.
            raise StoreError(
                f"the memory store at {self.shown_url} failed: {error}", url=self.shown_url
            ) from error


def redacted(url: str) -> str:
    """The URL without user, password and options, to be shown."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an unreadable URL)"
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _keys(stream: str) -> list[str]:
    return [f"fs:{{{stream}}}:meta", f"fs:{{{stream}}}:records"]


def _picture_key(stream: str, picture: str) -> str:
    return f"fs:{{{stream}}}:picture:{picture}"
