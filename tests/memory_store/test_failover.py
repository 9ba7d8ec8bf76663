"""The store carries on when another server becomes the master; it gives up if none does."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.crc import key_slot
from support.servers import Server, cluster, sentinels, valkey_binary, wait_until

from flashstream.errors import StoreError
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Commit, Store


def commit_until_taken(store: Store, epoch: int, version: int, base: int | None) -> Commit:
    """What a stream does: a commit that failed is made again a little later."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return store.commit("yard", epoch, version, {"meta": b"%d" % version}, base=base)
        except StoreError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(valkey_binary(), tmp_path_factory.mktemp("node")) as server:
        yield server


def test_commits_go_on_on_the_replica_when_the_master_is_killed(tmp_path: Path) -> None:
    with sentinels(tmp_path / "sentinels", valkey_binary()) as ((master, replica), url):
        store = RedisStore(url)
        store.ping()
        epoch = store.claim("yard")
        for version in range(1, 6):
            answer = store.commit("yard", epoch, version, {"meta": b"%d" % version})
            assert answer is Commit.COMMITTED
        wait_until(lambda: replica.client.hget("fs:{yard}:meta", "version") == b"5")
        master.kill()
        assert commit_until_taken(store, epoch, 6, 5) is Commit.COMMITTED
        assert replica.client.role()[0] == b"master"
        loaded = store.load("yard")
        assert loaded is not None
        assert (loaded.version, loaded.records) == (6, {"meta": b"6"})
        master.start()  # still says that it is one; the sentinels know better
        assert store.commit("yard", epoch, 7, {"meta": b"7"}, base=6) is Commit.COMMITTED
        assert store.claim("yard") > epoch
        assert store.commit("yard", epoch, 8, {"meta": b"8"}, base=7) is Commit.SUPERSEDED
        store.close()


def test_what_an_asynchronous_replica_lacked_is_written_again_as_a_whole(tmp_path: Path) -> None:
    with sentinels(tmp_path / "sentinels", valkey_binary()) as ((master, replica), url):
        store = RedisStore(url)
        epoch = store.claim("yard")
        store.commit("yard", epoch, 1, {"meta": b"1"}, base=0)
        wait_until(lambda: replica.client.hget("fs:{yard}:meta", "version") == b"1")
        os.kill(replica.process.pid, signal.SIGSTOP)
        assert store.commit("yard", epoch, 2, {"meta": b"2"}, base=1) is Commit.COMMITTED
        master.kill()
        os.kill(replica.process.pid, signal.SIGCONT)
        answer = commit_until_taken(store, epoch, 3, 2)
        if answer is Commit.OUT_OF_STEP:  # the replica may still have had it in its socket
            answer = commit_until_taken(store, epoch, 3, None)
        assert answer is Commit.COMMITTED
        loaded = store.load("yard")
        assert loaded is not None
        assert (loaded.version, loaded.records) == (3, {"meta": b"3"})
        store.close()


def test_no_sentinel_and_no_master_are_told(tmp_path: Path, unused_port: int) -> None:
    nobody = RedisStore(f"redis+sentinel://127.0.0.1:{unused_port}/main", patience_s=0.1)
    with pytest.raises(StoreError, match="No master found for 'main'"):
        nobody.ping()
    nobody.close()
    with sentinels(tmp_path / "sentinels", valkey_binary()) as (_, url):
        for other in (url.replace("/memories", "/others"), url.replace("=watch", "=guess")):
            stranger = RedisStore(other, patience_s=0.1)
            with pytest.raises(StoreError, match="failed") as caught:
                stranger.ping()
            assert "guess" not in caught.value.message
            stranger.close()


def test_a_server_that_is_read_only_for_a_moment_is_tried_again(node: Server) -> None:
    store = RedisStore(node.url, patience_s=10)
    epoch = store.claim("yard")
    node.client.replicaof("127.0.0.1", "1")
    promoted = threading.Timer(0.3, node.client.replicaof, ("NO", "ONE"))
    promoted.start()
    assert store.commit("yard", epoch, 1, {"meta": b"1"}, base=0) is Commit.COMMITTED
    promoted.join()
    store.close()


def test_one_that_stays_read_only_is_told_in_time(node: Server) -> None:
    store = RedisStore(node.url, patience_s=0.3)
    node.client.replicaof("127.0.0.1", "1")
    began = time.monotonic()
    for write in (
        lambda: store.claim("gate"),
        lambda: store.put_stream("gate", {}),
        lambda: store.put_picture("gate", "abc", b"jpeg", 60),
    ):
        with pytest.raises(StoreError, match="read only replica"):
            write()
    assert time.monotonic() - began < 4
    node.client.replicaof("NO", "ONE")
    store.close()


def test_a_server_that_is_loading_is_waited_for(tmp_path: Path) -> None:
    slow = ["--appendonly", "yes", "--loading-process-events-interval-bytes", "1024"]
    with Server(valkey_binary(), tmp_path, *slow, "--key-load-delay", "200") as server:
        store = RedisStore(server.url, patience_s=20)
        epoch = store.claim("yard")
        with server.client.pipeline(transaction=False) as together:
            for number in range(1500):
                together.set(f"other:{number}", b"x" * 100)
            together.execute()
        server.kill()
        restarted = threading.Thread(target=server.start)
        restarted.start()
        assert store.commit("yard", epoch, 1, {"meta": b"1"}, base=0) is Commit.COMMITTED
        restarted.join()
        store.close()


class TestCluster:
    def test_streams_live_on_all_masters(
        self, cluster_url: str, cluster_nodes: list[Server]
    ) -> None:
        store = RedisStore(cluster_url)
        for name in "abcdefgh":
            store.commit(name, store.claim(name), 1, {"meta": name.encode()})
        assert set("abcdefgh") <= set(store.remembered())
        counts = [len(list(node.client.scan_iter("fs:{?}:records"))) for node in cluster_nodes]
        assert sum(counts) == 8
        assert min(counts) > 0
        for name in "abcdefgh":
            store.delete(name)
        store.close()

    def test_slots_that_moved_are_followed(
        self, cluster_url: str, cluster_nodes: list[Server]
    ) -> None:
        store = RedisStore(cluster_url)
        store.ping()  # knows where slots were
        slot = key_slot(b"mover")
        ids = [node.client.execute_command("CLUSTER MYID") for node in cluster_nodes]
        owner = slot * 3 // 16384
        for taker in ((owner + 1) % 3, owner):
            for node in (cluster_nodes[taker], *cluster_nodes):
                node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[taker])
            epoch = store.claim("mover")
            assert store.commit("mover", epoch, 1, {"meta": b"1"}) is Commit.COMMITTED
            assert cluster_nodes[taker].client.hlen("fs:{mover}:records") == 1
            store.put_picture("mover", "abc", b"jpeg", 60)
            store.delete("mover")
        store.close()

    def test_a_masters_death_is_told_and_costs_the_other_streams_nothing(
        self, tmp_path: Path
    ) -> None:
        with cluster(tmp_path, valkey_binary()) as nodes:
            for node in nodes:
                node.client.config_set("cluster-require-full-coverage", "no")
            hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
            store = RedisStore(f"redis+cluster://{hosts}", patience_s=0.1)
            owners = {name: key_slot(name.encode()) * 3 // 16384 for name in "abcdefgh"}
            epochs = {name: store.claim(name) for name in owners}
            nodes[0].kill()
            assert set(owners.values()) == {0, 1, 2}
            for name, owner in owners.items():
                if owner == 0:
                    with pytest.raises(StoreError, match="failed"):
                        store.commit(name, epochs[name], 1, {"meta": b"1"})
                else:
                    answer = store.commit(name, epochs[name], 1, {"meta": b"1"})
                    assert answer is Commit.COMMITTED
            with pytest.raises(StoreError):
                store.ping()
            store.close()
