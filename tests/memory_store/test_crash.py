"""A crash within a commit leaves the old memory or the new one, never a mix: real servers, killed
and restarted on their real files."""

import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.retry import Retry
from support.servers import Server, redis_binary, valkey_binary, wait_until

from flashstream.errors import StoreError
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import StoredMemory

SCRIPT = files("flashstream.memory_store").joinpath("redis.lua").read_text(encoding="utf-8")
KEYS = ("fs:{yard}:meta", "fs:{yard}:records")
# Stops for ever before the command of the script that has that number.
STOP = """
local commands = 0
local redis = setmetatable({call = function(...)
  commands = commands + 1
  while commands == %d do end
  return server_or_redis.call(...)
end}, {__index = server_or_redis})
"""
OLD = {"meta": b"1", "slot:1": b"old", "slot:2": b"old", "slot:3": b"old"}
NEW = {"meta": b"2", "slot:1": b"new", "slot:2": b"old", "slot:4": b"new"}
CHANGES = {"meta": b"2", "slot:1": b"new", "slot:4": b"new"}
PERSIST = ("--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes")
BINARIES = {"valkey": valkey_binary, "redis": redis_binary}


@pytest.fixture(params=["valkey", "redis"])
def binary(request: pytest.FixtureRequest) -> str:
    chosen: Callable[[], str] = BINARIES[request.param]
    return chosen()


def remembered(server: Server) -> StoredMemory:
    store = RedisStore(server.url)
    loaded = store.load("yard")
    store.close()
    assert loaded is not None
    return loaded


def is_old(found: StoredMemory) -> bool:
    """Whether it is the old memory; else it must be the new one to the last byte."""
    if found.version == 1:
        assert found.records == OLD
        return True
    assert (found.version, found.records) == (2, NEW)
    return False


def with_old_memory(server: Server) -> int:
    store = RedisStore(server.url)
    epoch = store.claim("yard")
    store.commit("yard", epoch, 1, OLD, base=0)
    store.close()
    return epoch


def commands_of(commit: list[str | int | bytes], server: Server) -> int:
    """How many commands the script runs for it."""
    counted = STOP % 0 + SCRIPT.replace("return 'committed'", "return commands")
    count = server.client.eval(stoppable(counted), 2, *KEYS, *commit)
    assert isinstance(count, int)
    return count


def stoppable(script: str) -> str:
    return "local server_or_redis = redis\n" + script


def test_killed_before_each_command_of_a_commit(binary: str, tmp_path: Path) -> None:
    with Server(binary, tmp_path / "server", *PERSIST, "--lua-time-limit", "20") as server:
        epoch = with_old_memory(server)
        for whole in (False, True):
            changes = NEW if whole else CHANGES
            commit: list[str | int | bytes] = ["commit", epoch, 2, "" if whole else 1]
            commit += [len(changes)]
            for name, data in changes.items():
                commit += [name, data]
            commit += [] if whole else ["slot:3"]
            # Reading where the memory is, DEL or HDEL, the records, the version.
            count = 3 + len(changes)
            for number in range(1, count + 1):
                stopping = threading.Thread(
                    target=run_until_killed,
                    args=(server.port, stoppable(STOP % number + SCRIPT), commit),
                )
                stopping.start()
                wait_until(lambda: is_busy(server.client))
                server.kill()
                stopping.join()
                server.start()
                assert is_old(remembered(server))
        assert commands_of(commit, server) == count
        assert not is_old(remembered(server))


def run_until_killed(port: int, script: str, commit: list[str | int | bytes]) -> None:
    once = Retry(NoBackoff(), 0)
    with Redis("127.0.0.1", port, retry=once) as client, pytest.raises(RedisConnectionError):
        client.eval(script, 2, *KEYS, *commit)


def is_busy(client: Redis) -> bool:
    try:
        client.ping()
    except ResponseError as error:
        return "BUSY" in str(error)
    return False


def test_a_file_cut_anywhere_within_a_commit(binary: str, tmp_path: Path) -> None:
    """As the disk has it when the machine dies while the commit is being written."""
    with Server(binary, tmp_path / "server", *PERSIST) as server:
        epoch = with_old_memory(server)
        (log,) = (server.folder / "appendonlydir").glob("*.incr.aof")
        before = log.stat().st_size
        store = RedisStore(server.url)
        store.commit("yard", epoch, 2, CHANGES, ["slot:3"], base=1)
        store.close()
        server.kill()
        commit = log.read_bytes()[before:]
        ends = [before + end for end in command_ends(commit)]
        # MULTI, three records, one removed, the version, EXEC.
        assert len(ends) == 7
        whole = ends[-1]
        assert whole == log.stat().st_size
        inside = random.Random(7).sample(range(before + 1, whole), 4)
        shutil.copytree(server.folder, tmp_path / "saved")
        for size in sorted({before, *ends, *inside, whole - 1}):
            shutil.rmtree(server.folder)
            shutil.copytree(tmp_path / "saved", server.folder)
            os.truncate(log, size)
            server.start()
            assert is_old(remembered(server)) == (size < whole), size
            # It goes on from there.
            store = RedisStore(server.url)
            answer = store.commit("yard", epoch, 2, CHANGES, ["slot:3"], base=1)
            assert answer.value == ("committed" if size < whole else "duplicate")
            store.close()
            assert not is_old(remembered(server))
            server.kill()


def command_ends(log: bytes) -> Iterator[int]:
    """Where each command of an append-only file's text ends."""
    at = 0
    while at < len(log):
        end = log.index(b"\r\n", at)
        if log[at : at + 1] == b"#":  # a time stamp
            at = end + 2
            continue
        assert log[at : at + 1] == b"*"
        count, at = int(log[at + 1 : end]), end + 2
        for _ in range(count):
            end = log.index(b"\r\n", at)
            at = end + 2 + int(log[at + 1 : end]) + 2
        yield at


def commit_until_killed(store: RedisStore, epoch: int, version: int) -> tuple[int, int]:
    """The last version that was acknowledged, and the last that was sent."""
    while True:
        mark = b"%d" % (version + 1)
        try:
            store.commit("yard", epoch, version + 1, {f"slot:{n}": mark for n in range(20)})
        except StoreError:
            return version, version + 1
        version += 1


@pytest.mark.parametrize("durability", ["everysec", "strict"])
def test_killed_while_it_commits(binary: str, tmp_path: Path, durability: str) -> None:
    """It has one commit whole; strictly none older than the last that was acknowledged. (Under
    everysec a server holds writes back while the disk is busy with its last sync.)"""
    with Server(binary, tmp_path / "server", *PERSIST) as server:
        if durability == "everysec":
            server.client.config_set("appendfsync", "everysec")
        store = RedisStore(server.url, "strict" if durability == "strict" else "everysec")
        random_moments = random.Random(7)
        version = 0
        for _ in range(2):
            epoch = store.claim("yard")
            killer = threading.Timer(random_moments.uniform(0.05, 0.15), server.process.kill)
            killer.start()
            acknowledged, version = commit_until_killed(store, epoch, version)
            killer.join()
            server.process.wait()
            server.start()
            found = remembered(server)
            assert found.version <= version
            if durability == "strict":
                assert found.version >= acknowledged
            assert set(found.records.values()) == {b"%d" % found.version}
            assert len(found.records) == 20
            version = found.version
        store.close()
