"""How old what is known of a camera is."""

import time
from collections.abc import Iterable
from datetime import datetime

from flashstream.client import Client


def ages_s(client: Client, names: Iterable[str]) -> list[float]:
    """Seconds since the newest frame of each of these that is live, asked one by one: a list is as
    the fleet saw them in its last round."""
    found = []
    for name in names:
        stream = client.stream(name)
        if stream["state"] == "live" and stream["as_of"] is not None:
            found.append(time.time() - datetime.fromisoformat(stream["as_of"]).timestamp())
    return found
