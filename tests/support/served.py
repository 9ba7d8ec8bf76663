"""`flashstream serve` for end-to-end tests."""

from pathlib import Path

from flashstream.loadtests.service import Service

FIRST, SECOND = "espresso", "cheetah"
FIRST_S = 6.0


class Served(Service):
    """With a shorter longest question, which a test exceeds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ["answers.max_question_chars=200"])
