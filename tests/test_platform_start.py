"""What is checked before anything is started."""

import socket

import pytest

from flashstream.errors import PortInUseError
from flashstream.platform import check_port_free


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
