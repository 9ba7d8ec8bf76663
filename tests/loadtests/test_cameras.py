"""Cameras that flap: real RTSP, real decoding."""

from collections.abc import Iterator

import pytest

from flashstream.demo.rtsp import RtspServer
from flashstream.errors import UnreachableSourceError
from flashstream.loadtests.cameras import Scenes, cameras, films
from flashstream.loadtests.flapping import Flapping
from flashstream.loadtests.service import until
from flashstream.platform import no_report
from flashstream.video.source import VideoSource


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    folder = tmp_path_factory.mktemp("films")
    filmed = films(folder, no_report, Scenes(1, 20.0, 1))
    with cameras(["one", "two"], filmed) as made:
        yield made


def test_cameras_of_one_film_are_watched_apart(server: RtspServer) -> None:
    with (
        VideoSource(server.url("one"), fps=5) as one,
        VideoSource(server.url("two"), fps=5) as two,
    ):
        first, second = next(one.frames()), next(two.frames())
    assert first.rgb.shape == second.rgb.shape


def test_an_unplugged_camera_drops_its_viewer_and_refuses_others(server: RtspServer) -> None:
    with VideoSource(server.url("one"), fps=5) as source:
        frames = source.frames()
        next(frames)
        server.unplug("one")
        with pytest.raises(UnreachableSourceError):
            list(frames)
    with VideoSource(server.url("one"), fps=5) as again, pytest.raises(UnreachableSourceError):
        next(again.frames())
    server.unplug("one", False)
    with VideoSource(server.url("one"), fps=5) as back:
        assert next(back.frames()).rgb.any()


def test_flapping_leaves_every_camera_plugged_in(server: RtspServer) -> None:
    with Flapping(server, ["two"], every_s=0.01, away_s=0.3) as flapping:
        until(lambda: flapping.count > 1, 10, 0.01)
    with VideoSource(server.url("two"), fps=5) as source:
        assert next(source.frames()).rgb.any()
