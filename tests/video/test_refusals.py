"""Each way in which a source cannot be read, and what is said of it."""

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flashstream.errors import (
    EmptySourceError,
    NotVideoError,
    NoVideoTrackError,
    SourceError,
    UnreachableSourceError,
)
from flashstream.video.opening import probe
from flashstream.video.source import VideoSource


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _refused(url: str, kind: type[SourceError], words: str, **options: Any) -> str:
    """Both the check at the door and the source itself refuse it, in the same words."""
    with pytest.raises(kind, match=words) as at_the_door:
        probe(url, **options)
    with pytest.raises(kind, match=words):
        list(VideoSource(url, fps=1, **options).frames())
    assert type(at_the_door.value) is kind
    return str(at_the_door.value.body())


def test_a_missing_file(tmp_path: Path) -> None:
    _refused(str(tmp_path / "none.mp4"), UnreachableSourceError, "There is no file at .*none.mp4")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    _refused(str(tmp_path / "empty.mp4"), EmptySourceError, "has no bytes")


def test_a_folder(tmp_path: Path) -> None:
    _refused(str(tmp_path), NotVideoError, "is a folder")


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4"])
def test_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("This is a list of things to buy.\n" * 200)
    _refused(str(tmp_path / name), NotVideoError, "no video format that is known")


def test_a_photograph(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "red").save(tmp_path / "photo.jpg")
    _refused(str(tmp_path / "photo.jpg"), NotVideoError, "no video format that is known")


def test_a_playlist_of_other_files(tmp_path: Path, films: Any) -> None:
    path = films.make("listed.mp4", [0.0, 0.1])
    (tmp_path / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile {path}\n")
    _refused(str(tmp_path / "list.ffconcat"), NotVideoError, "no video format that is known")


@pytest.mark.parametrize("name", ["sound.m4a", "sound.aac"])
def test_sound_alone(films: Any, name: str) -> None:
    path = films.sound(name)
    _refused(str(path), NoVideoTrackError, "has no video track; it holds: audio")


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_port_where_nothing_listens(closed_port: int, scheme: str) -> None:
    url = f"{scheme}://bob:s3cret@127.0.0.1:{closed_port}/a"
    said = _refused(url, UnreachableSourceError, "refused the connection")
    assert "s3cret" not in said


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_server_that_never_answers(silent: int, scheme: str) -> None:
    started = time.monotonic()
    url = f"{scheme}://bob:s3cret@127.0.0.1:{silent}/a"
    said = _refused(url, UnreachableSourceError, "did not answer within 0.5 s", open_timeout_s=0.5)
    assert 0.9 < time.monotonic() - started < 3.0
    assert "s3cret" not in said


@pytest.mark.parametrize("scheme", ["rtsp", "https"])
def test_a_host_that_does_not_exist(scheme: str) -> None:
    url = f"{scheme}://bob:s3cret@camera.invalid/a"
    said = _refused(url, UnreachableSourceError, "host name camera.invalid is not known")
    assert "s3cret" not in said


def test_a_web_server_without_that_page(web: Any) -> None:
    _refused(web.url("none.mp4"), UnreachableSourceError, "404: nothing is at that path")


def test_a_web_page(web: Any, films: Any) -> None:
    (films.folder / "page.html").write_text("<html>" * 500)
    _refused(web.url("page.html"), NotVideoError, "no video format that is known")


def test_an_empty_answer(web: Any, films: Any) -> None:
    (films.folder / "empty.mp4").touch()
    _refused(web.url("empty.mp4"), EmptySourceError, "no bytes")


def test_a_web_server_asked_for_rtsp(web: Any) -> None:
    url = web.url("web.mp4").replace("http:", "rtsp:")
    _refused(url, UnreachableSourceError, "does not speak RTSP")


def test_an_endless_feed_that_ends_is_an_error(web: Any, films: Any) -> None:
    data = films.make("feed.ts", [k * 0.1 for k in range(20)]).read_bytes()
    web.bodies["/feed"] = lambda: iter([data])
    with VideoSource(web.url("feed"), fps=10) as source:
        with pytest.raises(UnreachableSourceError, match="ended the connection"):
            list(source.frames())
        assert source.stats.sampled >= 18


def test_a_feed_whose_picture_stops_while_its_sound_goes_on(web: Any, films: Any) -> None:
    path = films.with_sound("halted.ts", picture_s=1.0, sound_s=60.0)
    data = path.read_bytes()

    def feed() -> Iterator[bytes]:
        for at in range(0, len(data), len(data) // 60):
            yield data[at : at + len(data) // 60]
            time.sleep(0.1)

    web.bodies["/halted"] = feed
    started = time.monotonic()
    with (
        VideoSource(web.url("halted"), fps=10, read_timeout_s=1.0) as source,
        pytest.raises(UnreachableSourceError, match=r"sent no video for (0\.9|1\.\d) s"),
    ):
        list(source.frames())
    assert source.stats.sampled >= 8
    assert time.monotonic() - started < 5.0


_SOUND = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=ear\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\na=control:t\r\n"
)


class _Ear(socketserver.StreamRequestHandler):
    """A camera with a microphone only: it refuses to play what was not set up."""

    def handle(self) -> None:
        chosen = False
        while line := self.rfile.readline():
            method = line.split()[0]
            headers = dict(self._headers())
            chosen |= method == b"SETUP"
            refused = method == b"PLAY" and not chosen
            body = _SOUND if method == b"DESCRIBE" else ""
            answer = [
                "RTSP/1.0 455 Not Valid" if refused else "RTSP/1.0 200 OK",
                f"CSeq: {headers['cseq']}",
                "Session: 1",
                "Transport: RTP/AVP/TCP;unicast;interleaved=0-1",
                f"Content-Type: application/sdp\r\nContent-Length: {len(body)}",
            ]
            self.wfile.write(("\r\n".join(answer) + "\r\n\r\n" + body).encode())
            if method == b"PLAY" and chosen:
                for i in range(100):
                    head = struct.pack(">cBHBBHII", b"$", 0, 172, 0x80, 0, i, 160 * i, 1)
                    self.wfile.write(head + b"\xff" * 160)

    def _headers(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()


def test_a_camera_with_sound_alone() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Ear) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        url = f"rtsp://127.0.0.1:{server.server_address[1]}/ear"
        _refused(url, NoVideoTrackError, "holds: audio", open_timeout_s=2.0)
        server.shutdown()
