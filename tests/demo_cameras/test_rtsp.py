"""The RTSP server and the source that reads cameras, each against the other."""

import socket
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import av.error
import numpy as np
import pytest

from flashstream.demo.cameras import Film
from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.errors import PortInUseError, UnreachableSourceError
from flashstream.video.frame import Frame
from flashstream.video.opening import probe
from flashstream.video.source import VideoSource

COLOURS = {"red": "red", "meadow": "green", "blue": "blue"}


def _colour(rgb: np.ndarray) -> str:
    return ("red", "green", "blue")[int(rgb.reshape(-1, 3).mean(0).argmax())]


@pytest.fixture
def server(film: Film) -> Iterator[RtspServer]:
    mounts = {
        "door": Mount(film.path),
        "hall/left": Mount(film.path),
        "once": Mount(film.path, loop=False, on_demand=True),
    }
    with RtspServer(mounts) as running:
        yield running


def test_a_camera_is_watched_over_the_end_of_its_film(server: RtspServer, film: Film) -> None:
    began = time.time()
    with VideoSource(server.url("door"), fps=10) as source:
        frames = list(islice(source.frames(), 32))
    assert time.time() - began < 8
    times = [frame.pts_s for frame in frames]
    assert times == pytest.approx([k / 10 for k in range(32)], abs=0.02)
    walls = [frame.wall_s for frame in frames]
    assert walls == sorted(walls)
    assert frames[0].key
    assert source.stats.corrupt == 0
    assert source.stats.segments == 1
    started = server.started_at("door")
    assert started is not None
    # A picture reaches us one picture late: FFmpeg waits for the next to know it is complete.
    for frame in frames:
        shown_s = frame.wall_s - started - 0.05
        if all(abs(shown_s % film.seconds - cut) > 0.09 for cut in (0.0, 1.0, 1.5, 3.0)):
            assert _colour(frame.rgb) == COLOURS[film.shown_at(shown_s).name]


def test_a_probe_sees_a_live_camera(server: RtspServer) -> None:
    info = probe(server.url("hall/left"))
    assert (info.codec, info.width, info.height, info.live, info.duration_s) == (
        "h264", 160, 120, True, None,
    )  # fmt: skip


def test_many_watch_at_once(server: RtspServer) -> None:
    seen: dict[int, list[Frame]] = {}

    def watch(number: int, mount: str) -> None:
        with VideoSource(server.url(mount), fps=5) as source:
            seen[number] = list(islice(source.frames(), 10))

    mounts = ["door", "door", "hall/left"]
    threads = [threading.Thread(target=watch, args=item) for item in enumerate(mounts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [len(seen[number]) for number in range(3)] == [10, 10, 10]


def test_a_film_on_demand_begins_with_its_first_viewer_and_ends_the_connection(
    server: RtspServer, film: Film
) -> None:
    assert server.started_at("once") is None
    asked = time.time()
    source = VideoSource(server.url("once"), fps=10).frames()
    frames: list[Frame] = []
    with pytest.raises(UnreachableSourceError, match="ended the connection"):
        frames.extend(source)
    started = server.started_at("once")
    assert started is not None
    assert asked < started < asked + 1
    assert [_colour(frame.rgb) for frame in frames[:15]] == ["red"] * 10 + ["green"] * 5
    assert len(frames) >= 28
    assert frames[0].wall_s == pytest.approx(started, abs=0.25)
    with pytest.raises(UnreachableSourceError, match="404"):
        probe(server.url("once"))


def test_the_death_of_a_camera_is_an_error(film: Film) -> None:
    server = RtspServer({"door": Mount(film.path)}).start()
    source = VideoSource(server.url("door"), fps=10, read_timeout_s=30.0)
    frames = source.frames()
    list(islice(frames, 5))
    server.stop()
    died = time.monotonic()
    with pytest.raises(UnreachableSourceError, match="ended the connection"):
        list(frames)
    assert time.monotonic() - died < 15


def test_a_camera_that_falls_silent_is_an_error_within_the_time_out(server: RtspServer) -> None:
    source = VideoSource(server.url("door"), fps=10, read_timeout_s=2.0)
    frames = source.frames()
    list(islice(frames, 5))
    server.mute("door")
    silent = time.monotonic()
    with pytest.raises(UnreachableSourceError, match=r"sent no video for (1\.9|[23]\.\d) s"):
        list(frames)
    assert 1.8 < time.monotonic() - silent < 4


def test_a_camera_that_stutters_is_seen_again_in_its_own_time(server: RtspServer) -> None:
    source = VideoSource(server.url("door"), fps=10, read_timeout_s=5.0)
    frames = source.frames()
    early = list(islice(frames, 12))
    server.mute("door")
    threading.Timer(1.0, server.mute, ("door", False)).start()
    late = list(islice(frames, 15))
    source.close()
    gaps = [b.pts_s - a.pts_s for a, b in zip([*early, *late], [*early[1:], *late], strict=False)]
    assert max(gaps) > 0.9
    drift = (late[-1].wall_s - early[-1].wall_s) - (late[-1].pts_s - early[-1].pts_s)
    assert abs(drift) < 0.1
    assert source.stats.segments == 1


def test_closing_ends_a_reader_of_the_network(server: RtspServer) -> None:
    source = VideoSource(server.url("door"), fps=10, read_timeout_s=1.0)
    frames = source.frames()
    next(frames)
    server.mute("door")
    rest: list[Frame] = []
    reader = threading.Thread(target=lambda: rest.extend(frames))
    reader.start()
    time.sleep(0.2)
    source.close()
    reader.join(30)
    assert not reader.is_alive()


def test_credentials_are_asked_for_and_not_repeated(film: Film) -> None:
    with RtspServer({"door": Mount(film.path)}, credentials=("bob", "s3cret")) as server:
        url = server.url("door")
        assert probe(url.replace("//", "//bob:s3cret@")).width == 160
        for wrong in (url, url.replace("//", "//bob:gu3ss@")):
            with pytest.raises(UnreachableSourceError, match="401") as refused:
                probe(wrong)
            assert "gu3ss" not in str(refused.value.body())


def test_an_unknown_camera_is_told_as_such(server: RtspServer) -> None:
    with pytest.raises(UnreachableSourceError, match="404: nothing is at that path"):
        probe(server.url("door") + "bell")


def test_rtp_over_udp_is_refused(server: RtspServer) -> None:
    with pytest.raises(av.error.FFmpegError):
        av.open(server.url("door"), options={"rtsp_transport": "udp"}, timeout=2)


@pytest.mark.parametrize(
    ("request_head", "answer"),
    [
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 7\r\n"),
        (b"PLAY rtsp://h/door RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 454 "),
        (b"PAUSE rtsp://h/door RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 501 "),
        (b"$\x01\x00\x03abcOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK"),
        (b"nonsense\r\n\r\n", b""),
    ],
)
def test_requests_out_of_the_ordinary(
    server: RtspServer, request_head: bytes, answer: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=2) as client:
        client.sendall(request_head)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(4096).startswith(answer)
        if not answer:
            assert client.recv(1) == b""


def test_stopping_leaves_nothing_behind(film: Film) -> None:
    before = set(threading.enumerate())
    with RtspServer({"door": Mount(film.path)}) as server:
        source = VideoSource(server.url("door"), fps=10)
        next(source.frames())
        port = server.port
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    source.close()
    server.stop()


def test_a_port_in_use_is_told(server: RtspServer, film: Film) -> None:
    with pytest.raises(PortInUseError, match=str(server.port)):
        RtspServer({"door": Mount(film.path)}, port=server.port).start()


def test_a_film_of_another_kind_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "other.mp4"), "w") as out:
        track = out.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        out.mux(track.encode(frame))
        out.mux(track.encode(None))
    with pytest.raises(ValueError, match=r"not H\.264"):
        RtspServer({"door": Mount(tmp_path / "other.mp4")})


def test_unknown_mounts_have_no_address(server: RtspServer) -> None:
    with pytest.raises(KeyError):
        server.url("garden")
