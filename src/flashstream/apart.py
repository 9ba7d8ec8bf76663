"""Settings of a platform that disturbs none that runs on this machine."""

import socket
from pathlib import Path

from flashstream.config import Settings


def apart(settings: Settings, data_dir: Path) -> Settings:
    """The same settings with ports that are free now, on loopback, and a store of its own."""
    http = settings.http.model_copy(update={"host": "127.0.0.1", "port": _free_port()})
    metrics = settings.metrics.model_copy(update={"port": _free_port()})
    store = settings.store.model_copy(update={"redis_url": None, "data_dir": data_dir})
    return settings.model_copy(update={"http": http, "metrics": metrics, "store": store})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
