from collections.abc import Callable
from datetime import timedelta

import pytest

from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.questions.answers import Answer, YesNo
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.world import World, WorldSpec

Ask = Callable[..., Question]


@pytest.fixture(scope="session")
def world(book: PictureBook) -> World:
    return World(WorldSpec("dev", 2, length_s=20.0, fps=2.0, start_hour=23.99), book)


@pytest.fixture(scope="session")
def ask(world: World) -> Ask:
    """Makes a question about the world."""

    def make(
        moment_s: float, text: str = "Is it?", answer: Answer | None = None, kind: str = "now"
    ) -> Question:
        asked_at = world.start + timedelta(seconds=moment_s)
        return Question(
            f"q{moment_s}", kind, "form", text, moment_s, asked_at, answer or YesNo(True), 0.0
        )

    return make
