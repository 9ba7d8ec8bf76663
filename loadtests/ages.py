"""How old what is known of a camera is."""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flashstream.client import Client


def as_of_s(stream: dict[str, Any]) -> float:
    """Unix time of the newest frame in a stream's memory, 0 before the first."""
    told = stream["as_of"]
    return 0.0 if told is None else datetime.fromisoformat(told).timestamp()


def ages_s(client: Client, names: Iterable[str]) -> list[float]:
    """Seconds since the newest frame of each of these that is live, asked one by one: a list is as
    the fleet saw them in its last round."""
    found = [(client.stream(name), time.time()) for name in names]
    return [
        told_s - as_of_s(each)
        for each, told_s in found
        if each["state"] == "live" and each["as_of"]
    ]
