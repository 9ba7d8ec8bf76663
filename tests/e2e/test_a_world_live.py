"""A world as an RTSP camera of the running platform, asked over HTTP: the answers are those that
one process gives. It runs before the tests that restart the platform."""

from pathlib import Path

import pytest
from support.served import Served

from flashstream import config
from flashstream.evals.world.live.run import chosen, compared, filmed, through_platform
from flashstream.evals.world.world import World, WorldSpec
from flashstream.platform import no_report

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_the_platform_answers_as_one_process_does(served: Served, tmp_path: Path) -> None:
    world = World(WorldSpec("test", 2, length_s=24.0, visits=2))
    questions = chosen(world, 10)
    film = filmed(world, tmp_path, no_report)
    with served.client() as client:
        live = through_platform(client, world, film, questions, no_report)
        assert film.stem not in [stream["id"] for stream in client.streams()]
    result = compared(config.load(), world, film, live, no_report)

    assert live.watched.url.startswith("rtsp://127.0.0.1:")
    assert result["questions"] == len(questions) == 10
    assert all(said.total_s > 0 and said.version > 0 for said in live.said)
    assert [said.number for said in live.said] == [said.wanted for said in live.said]
    assert result["dropped_frames"] == result["refused"] == 0
    assert result["same_memory"]
    assert result["agree"] >= 0.9, result["items"]
