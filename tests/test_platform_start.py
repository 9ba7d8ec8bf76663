"""What is checked before anything is started, and the watch over the embedded store."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from flashstream.errors import PortInUseError, StoreError
from flashstream.living import lives
from flashstream.loadtests.service import Service, until
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.open import open_store
from flashstream.platform import check_port_free, kept_alive


def test_a_free_port_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    check_port_free("127.0.0.1", port, "http.port")


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"127\.0\.0\.1:{port} .* set http\.port"):
            check_port_free("127.0.0.1", port, "http.port")


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(PortInUseError, match=r"192\.0\.2\.77"):
        check_port_free("192.0.2.77", 8000, "http.port")


def test_a_killed_store_is_started_again_with_what_it_had(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, kept_alive(server):
        store = open_store(server.url)
        store.put_stream("gate", {"url": "rtsp://camera"})
        time.sleep(1.5)  # "everysec": what is older than a second is on disk
        killed = server.pid
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + 15
        while True:
            try:
                if store.streams() == {"gate": {"url": "rtsp://camera"}} and server.pid != killed:
                    break
            except StoreError:
                time.sleep(0.1)
            assert time.monotonic() < deadline
        store.close()


@pytest.mark.parametrize(
    "program",
    ["valkey-server", "dashboard/agent.py", "ray::ServeController"],
)
def test_one_that_is_told_to_end_while_it_starts_leaves_no_process(
    tmp_path: Path, program: str
) -> None:
    said = tmp_path / "said"
    with (
        said.open("w") as log,
        subprocess.Popen(
            Service(tmp_path).arguments(), stdout=subprocess.DEVNULL, stderr=log
        ) as serve,
    ):
        main = psutil.Process(serve.pid)
        until(lambda: program in programs(main), 120)
        processes = main.children(recursive=True)
        serve.send_signal(signal.SIGTERM)
        code = serve.wait(60)
        # Of its own will. Only for a moment of Ray's start C++ aborts what is told to end.
        assert code > 0 or (code < 0 and program == "dashboard/agent.py"), said.read_text()
    until(lambda: not any(lives(each) for each in processes), 20)


def programs(main: psutil.Process) -> str:
    """What its processes run."""
    told = []
    for each in main.children(recursive=True):
        with suppress(psutil.Error):  # gone since
            told += [part for part in each.cmdline() if not part.startswith("--")]
    return " ".join(told)
