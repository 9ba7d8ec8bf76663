"""Small films whose pictures can be told apart, encoded here, and an HTTP server for them."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

SIZE = (96, 64)
MILLI = Fraction(1, 1000)


def picture(number: int) -> NDArray[np.uint8]:
    """A grey picture that says its number (0 to 26) by its brightness."""
    return np.full((SIZE[1], SIZE[0], 3), 20 + 8 * (number % 27), np.uint8)


def number_of(rgb: NDArray[np.uint8]) -> int:
    return round((float(rgb.mean()) - 20) / 8)


class Films:
    """Encodes films into a folder."""

    number_of = staticmethod(number_of)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(
        self,
        name: str,
        times: Sequence[float],
        *,
        codec: str = "libx264",
        options: dict[str, str] | None = None,
        start: float = 0.0,
        rotation: int = 0,
        container_options: dict[str, str] | None = None,
        paint: Callable[[int], NDArray[np.uint8]] = picture,
        bit_rate: int | None = None,
    ) -> Path:
        """One picture, numbered from 0, at each of the times (seconds)."""
        path = self.folder / name
        with av.open(str(path), "w", options=container_options or {}) as out:
            made = out.add_stream(codec, rate=25, options=options or {"g": "10", "bf": "0"})
            track = cast(VideoStream, made)
            track.height, track.width, _ = paint(0).shape
            track.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            if bit_rate:
                track.bit_rate = bit_rate
            track.codec_context.time_base = MILLI
            track.time_base = MILLI
            if rotation:
                track.set_display_rotation(rotation)
            for number, time_s in enumerate(times):
                frame = av.VideoFrame.from_ndarray(paint(number), format="rgb24")
                frame.pts, frame.time_base = round((start + time_s) * 1000), MILLI
                out.mux(track.encode(frame))
            out.mux(track.encode(None))
        return path

    def sound(self, name: str) -> Path:
        """A second of sound alone."""
        return self.with_sound(name, picture_s=0.0, sound_s=1.0)

    def with_sound(self, name: str, *, picture_s: float, sound_s: float) -> Path:
        """Pictures (ten a second) and sound from the same start, each for its own time."""
        path = self.folder / name
        with av.open(str(path), "w") as out:
            ears = out.add_stream("aac", rate=16000, layout="mono")
            if picture_s:
                eyes = out.add_stream("libx264", rate=10, options={"g": "10", "bf": "0"})
                eyes.width, eyes.height, eyes.pix_fmt = *SIZE, "yuv420p"
                for number in range(round(picture_s * 10)):
                    view = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
                    view.pts, view.time_base = number, Fraction(1, 10)
                    out.mux(eyes.encode(view))
                out.mux(eyes.encode(None))
            for at in range(0, round(16000 * sound_s), 1024):
                samples = np.zeros((1, 1024), np.float32)
                heard = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                heard.sample_rate, heard.pts = 16000, at
                out.mux(ears.encode(heard))
            out.mux(ears.encode(None))
        return path


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("films"))


class Web:
    """An HTTP server of a folder, and of generated bodies."""

    def __init__(self, folder: Path) -> None:
        self.bodies: dict[str, Callable[[], Iterator[bytes]]] = {}
        web = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None: ...

            def do_GET(self) -> None:
                body = web.bodies.get(self.path)
                if body is None:
                    super().do_GET()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "video/mp2t")
                self.end_headers()
                try:
                    for part in body():
                        self.wfile.write(part)
                except OSError:
                    pass  # the viewer left

        handler = functools.partial(Handler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{path}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def web(films: Films) -> Iterator[Web]:
    server = Web(films.folder)
    yield server
    server.stop()
