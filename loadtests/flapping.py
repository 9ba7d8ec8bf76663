"""Cameras that come and go."""

import random
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from flashstream.demo.rtsp import RtspServer


class Flapping:
    """Unplugs one camera after another for `away_s`, one every `every_s`, while the context lasts;
    all are plugged in at the end."""

    def __init__(
        self,
        server: RtspServer,
        names: Sequence[str],
        *,
        every_s: float,
        away_s: float,
        seed: int = 0,
    ) -> None:
        self._server = server
        self._names = tuple(names)
        self._every_s, self._away_s = every_s, away_s
        self._random = random.Random(seed)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flapping", daemon=True)
        self.count = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(self._every_s):
            name = self._random.choice(self._names)
            self._server.unplug(name)
            self.count += 1
            self._ending.wait(self._away_s)
            self._server.unplug(name, False)
