"""The embedded server: alone on its folder, closed to others, and keeping what it was given."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from flashstream.errors import EmbeddedStoreError, PortInUseError
from flashstream.living import lives
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.redis import RedisStore


def remember(url: str, stream: str) -> None:
    store = RedisStore(url)
    store.commit(stream, store.claim(stream), 1, {"meta": stream.encode()})
    store.put_stream(stream, {"url": stream})
    store.close()


def remembered(url: str) -> dict[str, bytes]:
    store = RedisStore(url)
    found = {}
    for stream in store.streams():
        loaded = store.load(stream)
        assert loaded is not None
        found[stream] = loaded.records["meta"]
    store.close()
    return found


def wait_for_sync(url: str) -> None:
    """Return once the disk has all that was written; within about a second (everysec)."""
    with Redis.from_url(url, single_connection_client=True) as client:
        client.set("mark", "")  # WAITAOF waits for its own connection's last write
        local, _ = client.waitaof(1, 0, 10_000)
        assert local == 1


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or not lives(psutil.Process(pid))


def test_data_outlives_a_clean_stop_and_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "valkey"
    with EmbeddedValkey(folder) as server:
        remember(server.url, "stopped")
        pid = server.pid
    assert gone(pid)
    with EmbeddedValkey(folder) as server:
        remember(server.url, "killed")
        wait_for_sync(server.url)
        os.kill(server.pid, signal.SIGKILL)
    with EmbeddedValkey(folder) as server:
        assert remembered(server.url) == {"stopped": b"stopped", "killed": b"killed"}


def test_a_server_that_died_is_revived_at_the_same_url(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server:
        url = server.url
        assert not server.revive()
        remember(url, "yard")
        wait_for_sync(server.url)
        os.kill(server.pid, signal.SIGKILL)
        time.sleep(0.1)
        assert server.revive()
        assert server.url == url
        assert remembered(url) == {"yard": b"yard"}


def test_only_one_on_a_folder(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server:
        with pytest.raises(EmbeddedStoreError, match=f"in use by process {os.getpid()}; stop"):
            EmbeddedValkey(tmp_path).__enter__()
        remember(server.url, "yard")  # still there
    with EmbeddedValkey(tmp_path) as server:
        assert remembered(server.url) == {"yard": b"yard"}


def test_a_server_whose_owner_was_killed_is_ended_first(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from flashstream.memory_store.embedded import EmbeddedValkey\n"
        "with EmbeddedValkey(Path(sys.argv[1])) as server:\n"
        "    sys.stdout.write(f'{server.pid} {server.url}\\n')\n"
        "    sys.stdout.flush(); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid, url = owner.stdout.readline().split()
        remember(url, "yard")
        owner.kill()
    assert not gone(int(pid))
    with EmbeddedValkey(tmp_path) as server:
        assert gone(int(pid))
        assert server.pid != int(pid)
        assert remembered(server.url) == {"yard": b"yard"}


def test_ctrl_c_reaches_the_owner_only(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server:
        os.kill(server.pid, signal.SIGINT)
        time.sleep(0.3)
        remember(server.url, "last commits")


def test_only_the_owner_may_read_or_write(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        stranger = Redis(port=server.port)
        for act in (
            lambda: stranger.get("fs:streams"),
            lambda: stranger.config_get("dir"),
            stranger.flushall,
            stranger.acl_list,
        ):
            with pytest.raises(NoPermissionError):
                act()
        stranger.close()
        guesser = Redis.from_url(f"redis://flashstream:guess@127.0.0.1:{server.port}")
        with pytest.raises(AuthenticationError):
            guesser.ping()
        guesser.close()
        users = tmp_path / "valkey" / "users.acl"
        password = server.url.split(":")[2].split("@")[0]
        assert password not in users.read_text()
        assert stat.S_IMODE(users.stat().st_mode) == 0o600
        assert stat.S_IMODE(users.parent.stat().st_mode) == 0o700
        listening = {
            c.laddr.ip
            for c in psutil.Process(server.pid).net_connections(kind="inet")
            if c.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port} on 127.0.0.1 is in use"):
            EmbeddedValkey(tmp_path, port).__enter__()
    with EmbeddedValkey(tmp_path, port) as server:  # the lock was let go
        assert server.port == port


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbeddedStoreError, match=r"cannot write in its data .*store.data_dir"):
        EmbeddedValkey(tmp_path / "file" / "valkey").__enter__()
    with pytest.raises(EmbeddedStoreError, match="cannot write"):
        EmbeddedValkey(Path("/proc/valkey")).__enter__()


def test_damaged_data_is_told_and_kept(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server:
        remember(server.url, "yard")
    (manifest,) = (tmp_path / "appendonlydir").glob("*.manifest")
    manifest.write_text("nonsense\n")
    with pytest.raises(EmbeddedStoreError, match="did not start"):
        EmbeddedValkey(tmp_path).__enter__()
    assert manifest.read_text() == "nonsense\n"
