"""URLs of stores: what is read from them, what is refused, and that no secret is ever shown."""

import logging
import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from flashstream.errors import SettingError, StoreError
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.open import open_store
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.redis_url import Topology, parse, redacted


@pytest.mark.parametrize(
    ("url", "topology", "nodes", "options"),
    [
        ("redis://host", Topology.SERVER, (("host", 6379),), {}),
        (
            "redis://ada:p%40ss%3A@host:1/2",
            Topology.SERVER,
            (("host", 1),),
            {"username": "ada", "password": "p@ss:", "db": 2},
        ),
        ("redis://[::1]:7/", Topology.SERVER, (("::1", 7),), {}),
        (
            "rediss://host?ssl_check_hostname=false&socket_timeout=1.5&password=x%26y",
            Topology.SERVER,
            (("host", 6379),),
            {
                "ssl": True,
                "ssl_check_hostname": False,
                "socket_timeout": 1.5,
                "password": "x&y",
            },
        ),
        (
            "unix://ada:x@/run/redis%40.sock?db=3",
            Topology.SERVER,
            (),
            {"unix_socket_path": "/run/redis@.sock", "username": "ada", "password": "x", "db": 3},
        ),
        (
            "redis+sentinel://:x@one:1,two/my%20master/4",
            Topology.SENTINEL,
            (("one", 1), ("two", 26379)),
            {"password": "x", "db": 4},
        ),
        (
            "rediss+cluster://ada:x@one,two:2/0",
            Topology.CLUSTER,
            (("one", 6379), ("two", 2)),
            {"ssl": True, "username": "ada", "password": "x"},
        ),
    ],
)
def test_what_a_url_says(
    url: str, topology: Topology, nodes: tuple[tuple[str, int], ...], options: dict[str, Any]
) -> None:
    address = parse(url)
    assert (address.topology, address.nodes, address.options) == (topology, nodes, options)


def test_sentinels_have_credentials_of_their_own_and_share_tls(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    address = parse(
        "rediss+sentinel://ada:data@one/main"
        f"?ssl_ca_certs={ca}&sentinel_username=eve&sentinel_password=watch&socket_timeout=2"
    )
    assert address.service == "main"
    shared = {"ssl": True, "ssl_ca_certs": str(ca), "socket_timeout": 2.0}
    assert address.options == {"username": "ada", "password": "data"} | shared
    assert address.sentinel_options == {"username": "eve", "password": "watch"} | shared


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgres://ada:sesame@host/db", "no store's URL"),
        ("localhost:6379", "can be read"),
        ("", "can be read"),
        ("redis", "can be read"),
        ("redis://", "can be read"),
        ("redis://host:many/0", "can be read"),
        ("redis://host:0", "ports are 1 to 65535"),
        ("redis://host:65536", "ports are 1 to 65535"),
        ("redis://host/first", "number of a database"),
        ("redis://one,two", "several hosts"),
        ("redis://one,/0", "can be read"),
        ("redis+sentinel://:sesame@host", "service is missing"),
        ("redis+sentinel://host/", "service is missing"),
        ("redis+sentinel://host/main/first", "number of a database"),
        ("redis+cluster://host/1", "database 0 only"),
        ("redis+cluster://host?db=1", "database 0 only"),
        ("redis+ring://host", "no store's URL"),
        ("unix://host/redis.sock", "a path and no host"),
        ("unix://", "a path and no host"),
        ("redis://host?ssl_ca_certs=/ca.pem", "not known"),
        ("redis://host?sesame=1", "not known"),
        ("rediss://host?ssl_ca_certs=/nowhere/ca.pem", "ssl_ca_certs: there is no such file"),
        ("rediss://host?ssl_check_hostname=perhaps", "ssl_check_hostname: true or false"),
        ("rediss://host?ssl_cert_reqs=some", "ssl_cert_reqs: required, optional"),
        ("redis://host?max_connections=-1", "max_connections: a whole number"),
        ("redis://host?socket_timeout=0", "socket_timeout: seconds"),
        # Passwords that were not percent-encoded.
        ("redis://:sesame@[::1", "can be read"),
        ("redis://:ses/ame@host/0", "can be read"),
        ("redis://:ses?ame@host/0", "can be read"),
        ("redis://:ses#ame@host/0", "can be read"),
        ("redis://ada:12/sesame@host/0", "can be read"),
        ("redis://ada:12?sesame@host/0", "can be read"),
        ("redis://ada:ses@ame@host/0", "can be read"),
        ("redis://:sesame@host?password=a@sesame", "can be read"),
    ],
)
def test_others_are_refused_with_what_is_accepted(url: str, why: str) -> None:
    with pytest.raises(SettingError, match="accepted: redis://") as refused:
        open_store(url)
    assert why in refused.value.message
    printed = "".join(traceback.format_exception(refused.value))
    shown = printed.replace("redis://[user:password@]", "")
    assert not re.search(r"\bses\b|ame@|sesame", shown)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://ada:sesame@host:6379/1?password=sesame", "redis://host:6379/1"),
        ("rediss://:sesame@host", "rediss://host"),
        ("unix://ada:sesame@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        (
            "redis+sentinel://:s@a:1,b:2/main/0?sentinel_password=s",
            "redis+sentinel://a:1,b:2/main/0",
        ),
        ("redis+cluster://:s@a:1,b:2", "redis+cluster://a:1,b:2"),
        ("redis://host:port/", "(an unreadable URL)"),
        ("redis://:secret@[::1", "(an unreadable URL)"),
    ],
)
def test_urls_are_shown_without_secrets(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_open_store_knows_its_schemes(valkey_url: str) -> None:
    assert isinstance(open_store("memory://"), LocalStore)
    opened = open_store(valkey_url)
    assert isinstance(opened, RedisStore)
    opened.ping()
    opened.close()


def test_memory_cannot_be_strict() -> None:
    with pytest.raises(SettingError, match="memory:// keeps nothing"):
        open_store("memory://", "strict")


@pytest.mark.parametrize(
    "url",
    [
        "redis://ada:sesame@127.0.0.1:{port}/0",
        "rediss://ada:sesame@127.0.0.1:{port}/0?ssl_password=sesame",
        "unix://ada:sesame@/nowhere/{port}.sock",
        "redis+sentinel://ada:sesame@127.0.0.1:{port}/main?sentinel_password=sesame",
        "redis+cluster://ada:sesame@127.0.0.1:{port}",
    ],
)
def test_a_password_shows_in_no_message_repr_or_log(
    url: str, unused_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    filled = url.format(port=unused_port)
    store = RedisStore(filled, patience_s=0.1)
    with pytest.raises(StoreError, match="failed") as caught:
        store.claim("yard")
    logging.getLogger("test").exception("commit failed", exc_info=caught.value)
    store.close()
    address = parse(filled)
    texts = [caplog.text, repr(store), repr(address), str(caught.value.body())]
    texts += ["".join(traceback.format_exception(caught.value))]
    assert address.shown in texts[1]
    assert "sesame" not in "".join(texts).replace(repr(filled), "")


def test_what_a_server_says_is_shown_without_secrets() -> None:
    address = parse("redis+sentinel://ada:sesame@h/main?sentinel_password=open")
    assert address.without_secrets("open sesame, ada") == "*** ***, ada"
