"""Cameras that come and go."""

import random
from collections.abc import Sequence

from flashstream.demo.rtsp import RtspServer
from flashstream.loadtests.background import Background


class Flapping(Background):
    """Unplugs cameras for `away_s`, one after another with `every_s` between, while the context
    lasts; all are plugged in at the end. count: how often a camera was unplugged."""

    def __init__(
        self,
        server: RtspServer,
        names: Sequence[str],
        *,
        every_s: float,
        away_s: float,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._server = server
        self._names = tuple(names)
        self._every_s, self._away_s = every_s, away_s
        self._random = random.Random(seed)
        self.count = 0

    def _run(self) -> None:
        while not self._ending.wait(self._every_s):
            name = self._random.choice(self._names)
            self._server.unplug(name)
            self.count += 1
            self._ending.wait(self._away_s)
            self._server.unplug(name, False)
