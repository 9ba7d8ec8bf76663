"""The store that is broken on purpose: a real Valkey with a network and a disk of its own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from flashstream.errors import EmbeddedStoreError
from flashstream.loadtests.chaos.store import ChaosStore
from flashstream.loadtests.service import until

pytestmark = pytest.mark.timeout(120)


def _spaces() -> str:
    return subprocess.run(("ip", "netns"), capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosStore]:
    folder = tmp_path_factory.mktemp("chaos")
    chaos = ChaosStore(folder)
    try:
        chaos.__enter__()
    except EmbeddedStoreError as failure:  # no root, or a container that may make no network
        pytest.skip(failure.message)
    try:
        yield chaos
    finally:
        chaos.__exit__(None, None, None)
    assert f"flashstream-{os.getpid()}" not in _spaces()
    assert str(folder) not in Path("/proc/mounts").read_text()


def _write(store: ChaosStore, value: bytes) -> bool:
    with store.client() as client:
        try:
            return bool(client.set("key", value))
        except RedisError:
            return False


def test_what_was_written_is_there_after_a_kill(store: ChaosStore) -> None:
    assert _write(store, b"kept")
    store.kill()
    assert not _write(store, b"nobody takes it")
    store.start()
    with store.client() as client:
        assert client.get("key") == b"kept"


def test_a_frozen_store_answers_when_it_goes_on(store: ChaosStore) -> None:
    store.freeze()
    assert not _write(store, b"late")
    store.freeze(False)
    assert _write(store, b"in time")


def test_a_cut_network_is_silent_and_comes_back(store: ChaosStore) -> None:
    store.cut()
    assert not _write(store, b"lost")
    store.cut(False)
    assert until(lambda: _write(store, b"back"), 20)


def test_a_full_disk_is_refused_until_there_is_room(store: ChaosStore) -> None:
    store.fill()
    # The write that finds the disk full is known of at the next sync.
    until(lambda: not _write(store, bytes(1 << 20)), 20)
    store.clear()
    assert until(lambda: _write(store, b"room"), 20)
