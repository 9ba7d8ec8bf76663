"""`flashstream serve` for end-to-end tests."""

import time
from pathlib import Path

from flashstream.demo.rtsp import RtspServer
from flashstream.loadtests.service import Service

FIRST, SECOND = "espresso", "cheetah"
FIRST_S = 6.0


class Served(Service):
    """With a shorter longest question, which a test exceeds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ["answers.max_question_chars=200"])


def running_s(cameras: RtspServer) -> float:
    """Seconds since the film began."""
    return time.time() - (cameras.started_at("two") or time.time())
