"""What `store.durability` promises, on real servers: what is acknowledged, and what is refused."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.servers import Server, redis_binary, valkey_binary

from flashstream.errors import DurabilityError, StoreError
from flashstream.memory_store.open import open_store
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Commit

APPENDING = ("--appendonly", "yes", "--appendfsync")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Server]:
    with Server(valkey_binary(), tmp_path / "valkey", *APPENDING, "everysec") as server:
        yield server


def test_strict_waits_for_the_disk(valkey: Server) -> None:
    store = open_store(valkey.url, "strict")
    store.ping()
    epoch = store.claim("yard")
    assert store.commit("yard", epoch, 1, {"meta": b"1"}, base=0) is Commit.COMMITTED
    (written,) = (valkey.folder / "appendonlydir").glob("*.incr.aof")
    assert b"fs:{yard}:records" in written.read_bytes()
    store.close()


def test_what_the_disk_does_not_confirm_is_not_acknowledged_and_its_repeat_waits_again(
    valkey: Server,
) -> None:
    store = RedisStore(valkey.url, "strict", timeout_s=0.6)
    epoch = store.claim("yard")
    valkey.client.config_set("appendfsync", "no")  # nothing is synced, so nothing confirmed
    commit = ("yard", epoch, 1, {"meta": b"1"})
    for _ in range(2):
        with pytest.raises(DurabilityError, match=r"did not tell within 0\.4 s") as caught:
            store.commit(*commit)
        assert valkey.url in caught.value.message
        # The server has it: only that is not enough.
        assert valkey.client.hget("fs:{yard}:meta", "version") == b"1"
    # The same on a new connection, which has written nothing yet.
    again = RedisStore(valkey.url, "strict", timeout_s=0.6)
    with pytest.raises(DurabilityError):
        again.commit(*commit)
    waiting = threading.Timer(0.1, valkey.client.config_set, ("appendfsync", "always"))
    waiting.start()
    assert RedisStore(valkey.url, "strict").commit(*commit) is Commit.DUPLICATE
    waiting.join()
    store.close()
    again.close()


def test_all_that_a_service_cannot_lose_waits(valkey: Server) -> None:
    store = RedisStore(valkey.url, "strict", timeout_s=0.6)
    valkey.client.config_set("appendfsync", "no")
    for write in (
        lambda: store.claim("yard"),
        lambda: store.put_stream("yard", {}),
        lambda: store.remove_stream("yard"),
        lambda: store.delete("yard"),
    ):
        with pytest.raises(DurabilityError):
            write()
    store.put_picture("yard", "abc", b"jpeg", 60)  # seen in the memory; lives for a day at most
    store.close()


def test_everysec_does_not_wait(valkey: Server) -> None:
    valkey.client.config_set("appendfsync", "no")
    store = open_store(valkey.url)
    assert store.commit("yard", store.claim("yard"), 1, {"meta": b"1"}) is Commit.COMMITTED
    assert list(valkey.client.scan_iter("*mark*")) == []
    store.close()


@pytest.mark.parametrize("binary", [valkey_binary, redis_binary])
def test_strict_is_refused_where_nothing_is_appended(binary: object, tmp_path: Path) -> None:
    assert callable(binary)
    with Server(binary(), tmp_path / "server") as server:
        store = open_store(server.url, "strict")
        for act in (store.ping, lambda: store.claim("yard")):
            with pytest.raises(
                DurabilityError, match=r'store\.durability "strict" needs'
            ) as caught:
                act()
            assert "appendonly" in caught.value.message
        store.close()


def test_a_server_without_waitaof_has_to_sync_always(tmp_path: Path) -> None:
    with Server(redis_binary(), tmp_path / "redis", *APPENDING, "everysec") as server:
        store = open_store(server.url, "strict")
        with pytest.raises(DurabilityError, match="appendonly yes and appendfsync everysec"):
            store.ping()
        with pytest.raises(DurabilityError, match="needs WAITAOF"):
            store.claim("yard")
        server.client.config_set("appendfsync", "always")
        store.ping()
        epoch = store.claim("yard")
        assert store.commit("yard", epoch, 1, {"meta": b"1"}) is Commit.COMMITTED
        assert store.commit("yard", epoch, 1, {"meta": b"1"}) is Commit.DUPLICATE
        store.close()


def test_a_server_that_does_not_tell_its_settings_is_refused(tmp_path: Path) -> None:
    with Server(redis_binary(), tmp_path / "redis", *APPENDING, "always") as server:
        server.client.acl_setuser(
            "ada",
            enabled=True,
            passwords=["+sesame"],
            keys=["fs:*"],
            commands=["+@all", "-@admin"],
        )
        store = open_store(server.url.replace("//", "//ada:sesame@"), "strict")
        with pytest.raises(DurabilityError, match="cannot be checked") as caught:
            store.ping()
        assert "sesame" not in str(caught.value.body())
        store.close()
        weaker = open_store(server.url.replace("//", "//ada:sesame@"))
        weaker.ping()
        assert weaker.commit("yard", weaker.claim("yard"), 1, {"meta": b"1"}) is Commit.COMMITTED
        weaker.close()


def test_a_cluster_confirms_on_the_node_that_has_the_stream(
    cluster_url: str, cluster_nodes: list[Server]
) -> None:
    store = open_store(cluster_url, "strict")
    with pytest.raises(StoreError, match="appends to a file"):
        store.ping()
    for node in cluster_nodes:
        node.client.config_set("appendonly", "yes")
        node.client.config_set("appendfsync", "always")
    store.ping()
    for name in "abcdef":
        epoch = store.claim(name)
        assert store.commit(name, epoch, 1, {"meta": b"1"}) is Commit.COMMITTED
        store.put_stream(name, {})
        store.remove_stream(name)
        store.delete(name)
    for node in cluster_nodes:
        node.client.config_set("appendonly", "no")
    store.close()
