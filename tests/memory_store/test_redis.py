"""What only the Redis store does: keys, ends of life, failures told without secrets."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis.crc import key_slot
from support.servers import Server, valkey_binary

from flashstream.errors import CorruptRecordError, StoreError
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Commit


@pytest.fixture
def client(valkey_url: str) -> Iterator[Redis]:
    made = Redis.from_url(valkey_url)
    made.flushall()
    yield made
    made.flushall()
    made.close()


@pytest.fixture
def store(valkey_url: str, client: Redis) -> Iterator[RedisStore]:
    made = RedisStore(valkey_url)
    yield made
    made.close()


def test_all_keys_of_a_stream_share_its_hash_tag(store: RedisStore, client: Redis) -> None:
    store.commit("yard", store.claim("yard"), 1, {"meta": b"1"})
    store.put_picture("yard", "abc", b"jpeg", 60)
    keys = {key.decode() for key in client.scan_iter()}
    assert keys == {
        "fs:{yard}:meta",
        "fs:{yard}:records",
        "fs:{yard}:picture:abc",
        "fs:{yard}:pictures",
    }
    slots = {key_slot(key.encode()) for key in keys}
    assert len(slots) == 1


def test_deletion_leaves_no_key(store: RedisStore, client: Redis) -> None:
    store.commit("yard", store.claim("yard"), 1, {"meta": b"1"})
    for picture in ("abc", "abd"):
        store.put_picture("yard", picture, b"jpeg", 60)
    store.put_stream("yard", {})
    store.delete("yard")
    store.remove_stream("yard")
    assert list(client.scan_iter()) == []


def test_pictures_and_their_index_end(store: RedisStore, client: Redis) -> None:
    store.put_picture("yard", "short", b"jpeg", 1)
    store.put_picture("yard", "long", b"jpeg", 60)
    store.put_picture("yard", "later", b"jpeg", 1)
    assert 0 < client.ttl("fs:{yard}:picture:long") <= 60
    assert 50 < client.ttl("fs:{yard}:pictures") <= 60  # the longest of them
    time.sleep(1.1)
    assert store.picture("yard", "short") is None
    store.put_picture("yard", "new", b"jpeg", 60)
    assert client.zrange("fs:{yard}:pictures", 0, -1) == [b"long", b"new"]


def test_a_picture_is_sent_once_and_kept_as_long_as_the_last_wants(
    store: RedisStore, client: Redis
) -> None:
    jpeg = bytes(100_000)
    store.put_picture("yard", "abc", jpeg, 1)
    before = client.info("stats")["total_net_input_bytes"]
    store.put_picture("yard", "abc", jpeg, 60)
    assert client.info("stats")["total_net_input_bytes"] - before < 5000
    time.sleep(1.1)
    assert store.picture("yard", "abc") == jpeg
    assert client.zscore("fs:{yard}:pictures", "abc") == pytest.approx(time.time() + 59, abs=2)


def test_epochs_follow_the_clock_past_a_lost_claim(store: RedisStore, client: Redis) -> None:
    first = store.claim("yard")
    assert abs(first / 1e6 - time.time()) < 5
    client.flushall()  # a crash that lost the claim
    assert store.claim("yard") > first


def test_epochs_grow_although_the_clock_goes_back(store: RedisStore, client: Redis) -> None:
    future = int(time.time() * 1e6) + 10**12
    client.hset("fs:{yard}:meta", "epoch", future)
    assert store.claim("yard") == future + 1
    assert store.commit("yard", future + 1, 1, {"meta": b"1"}) is Commit.COMMITTED


def test_many_records_fit_in_one_commit(store: RedisStore) -> None:
    records = {f"slot:{number}": bytes([number % 256]) * 1000 for number in range(5000)}
    epoch = store.claim("yard")
    assert store.commit("yard", epoch, 1, records) is Commit.COMMITTED
    answer = store.commit("yard", epoch, 2, {"meta": b"2"}, list(records), base=1)
    assert answer is Commit.COMMITTED
    loaded = store.load("yard")
    assert loaded is not None
    assert loaded.records == {"meta": b"2"}


def test_a_server_that_forgot_the_script_is_given_it_again(
    store: RedisStore, client: Redis
) -> None:
    store.claim("yard")
    client.script_flush()
    store.claim("yard")


def test_a_broken_connection_is_opened_again(store: RedisStore, client: Redis) -> None:
    store.ping()
    client.client_kill_filter(_type="normal", skipme=True)
    epoch = store.claim("yard")
    client.client_kill_filter(_type="normal", skipme=True)
    assert store.commit("yard", epoch, 1, {"meta": b"1"}) is Commit.COMMITTED


class FlakyDoor:
    """A way to a server that shuts the first `refusals` connections once they have spoken."""

    def __init__(self, url: str, refusals: int) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        parts = urlsplit(url)
        self._server = ("127.0.0.1", parts.port or 0)
        self.url = parts._replace(
            netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self._door.getsockname()[1]}"
        ).geturl()
        self.left = refusals
        self._sockets = [self._door]
        self._threads = [threading.Thread(target=self._open, daemon=True)]
        self._threads[0].start()

    def _open(self) -> None:
        while True:
            try:
                inner, _ = self._door.accept()
            except OSError:
                return
            if self.left:
                self.left -= 1
                inner.recv(1)
                inner.close()
                continue
            outer = socket.create_connection(self._server)
            self._sockets += [inner, outer]
            for source, sink in ((inner, outer), (outer, inner)):
                thread = threading.Thread(target=self._pass, args=(source, sink), daemon=True)
                thread.start()
                self._threads.append(thread)

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in self._sockets:
            each.close()


def test_a_connection_that_fails_is_tried_again_for_a_while(valkey_url: str, client: Redis) -> None:
    door = FlakyDoor(valkey_url, refusals=2)
    store = RedisStore(door.url, patience_s=5)
    assert store.claim("yard") > 0
    assert door.left == 0
    store.close()
    door.left = 1000
    hasty = RedisStore(door.url, patience_s=0.2)
    began = time.monotonic()
    with pytest.raises(StoreError):
        hasty.claim("yard")
    assert time.monotonic() - began < 2
    assert door.left < 999
    hasty.close()
    door.close()


def test_nobody_listening_is_told_soon_and_without_secrets(unused_port: int) -> None:
    store = RedisStore(f"redis://ada:sesame@127.0.0.1:{unused_port}/2?health_check_interval=9")
    began = time.monotonic()
    with pytest.raises(StoreError) as caught:
        store.claim("yard")
    assert time.monotonic() - began < 3
    assert f"redis://127.0.0.1:{unused_port}/2 failed" in caught.value.message
    assert "sesame" not in str(caught.value.body())


def test_a_server_that_does_not_answer_is_waited_for_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", timeout_s=1.0)
        began = time.monotonic()
        with pytest.raises(StoreError, match="failed"):
            store.ping()
        assert 0.9 < time.monotonic() - began < 1.9
        store.close()


def test_a_wrong_password_is_told_without_it(valkey_url: str) -> None:
    address = valkey_url.rpartition("@")[2]
    store = RedisStore(f"redis://flashstream:sesame@{address}")
    with pytest.raises(StoreError, match=f"redis://{address} failed") as caught:
        store.claim("yard")
    assert "sesame" not in str(caught.value.body())


def test_one_store_serves_many_threads(store: RedisStore) -> None:
    epochs: list[int] = []
    threads = [
        threading.Thread(target=lambda: epochs.append(store.claim("yard"))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(epochs)) == 16


def test_what_was_put_there_by_others_is_refused_by_its_key(
    store: RedisStore, client: Redis
) -> None:
    store.commit("yard", store.claim("yard"), 1, {"meta": b"1"})
    client.hset("fs:{yard}:meta", "version", "many")
    with pytest.raises(CorruptRecordError, match=r"fs:\{yard\}:meta"):
        store.load("yard")


def test_a_spec_that_cannot_be_read_keeps_nobody_from_the_others(
    store: RedisStore, client: Redis
) -> None:
    store.put_stream("gate", {"fps": 2})
    for name, stored in (("yard", b"{"), ("roof", b"\xff\xfe"), ("shed", b"[1]")):
        client.hset("fs:streams", name, stored)
    assert store.streams() == {"gate": {"fps": 2}, "yard": {}, "roof": {}, "shed": {}}


def test_a_user_needs_no_more_than_is_documented(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs/durability.md"
    documented = re.search(r"`(user flashstream [^`]*)`", page.read_text(encoding="utf-8"))
    assert documented is not None
    rule = documented[1].replace("PASSWORD", "sesame")
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with Server(valkey_binary(), tmp_path / "server", *options) as server:
        server.client.execute_command("ACL", "SETUSER", *rule.split()[1:])
        store = RedisStore(f"redis://flashstream:sesame@127.0.0.1:{server.port}/0", "strict")
        store.ping()
        epoch = store.claim("yard")
        assert store.commit("yard", epoch, 1, {"meta": b"1"}, ["slot:1"]) is Commit.COMMITTED
        store.put_stream("yard", {})
        store.put_picture("yard", "abc", b"jpeg", 60)
        assert store.picture("yard", "abc") == b"jpeg"
        assert list(store.streams()) == store.remembered() == ["yard"]
        store.remove_stream("yard")
        store.delete("yard")
        assert store.load("yard") is None
        store.close()
