"""Settings of a platform of one's own."""

import socket
from pathlib import Path

from pydantic import SecretStr

from flashstream.apart import apart
from flashstream.config import HttpSettings, Settings, StoreSettings


def test_it_has_ports_that_are_free_and_a_store_of_its_own(tmp_path: Path) -> None:
    shared = StoreSettings(redis_url=SecretStr("redis://elsewhere"), data_dir=Path("/elsewhere"))
    settings = Settings(http=HttpSettings(host="0.0.0.0", port=8000), store=shared, model="other")
    own = apart(settings, tmp_path)
    assert (own.store.redis_url, own.store.data_dir) == (None, tmp_path)
    assert own.http.host == "127.0.0.1"
    assert own.model == "other"
    with socket.socket() as http, socket.socket() as metrics:
        http.bind(("127.0.0.1", own.http.port))
        metrics.bind(("127.0.0.1", own.metrics.port))
