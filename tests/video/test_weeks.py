"""What happens to a camera in weeks: down, silent, damaged, another size, a clock that wraps."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from flashstream.demo.cameras import Scene, film_of_photographs
from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.errors import UnreachableSourceError
from flashstream.media import locate
from flashstream.video.frame import Frame
from flashstream.video.opening import probe
from flashstream.video.source import VideoSource

Films = Any  # tests/video/conftest.py
TWO_SECONDS = [k * 0.04 for k in range(50)]
WRAP_S = 2**33 / 90_000
B_FRAMES = {"g": "25", "bf": "3", "b_strategy": "0"}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("door") / "door.mp4"
    scenes = [Scene(locate("espresso"), 1.0), Scene(locate("cat"), 1.0)]
    return film_of_photographs(scenes, to, size=(96, 64), fps=10).path


def tall(number: int) -> NDArray[np.uint8]:
    return np.full((96, 48, 3), 20 + 8 * (number % 27), np.uint8)


def _ordered(frames: list[Frame]) -> bool:
    return all(a.pts_s <= b.pts_s and a.wall_s <= b.wall_s for a, b in pairwise(frames))


def test_a_camera_that_is_down_at_first_is_read_when_it_is_up(door: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"rtsp://127.0.0.1:{port}/door"
    with pytest.raises(UnreachableSourceError, match="refused the connection"):
        next(VideoSource(url, fps=5).frames())
    with (
        RtspServer({"door": Mount(door)}, port=port),
        VideoSource(url, fps=5) as source,
    ):
        assert len(list(islice(source.frames(), 3))) == 3


def test_a_long_silence_is_an_error_and_the_next_attempt_reads_on(door: Path) -> None:
    with RtspServer({"door": Mount(door)}) as server:
        url = server.url("door")
        source = VideoSource(url, fps=10, read_timeout_s=0.5)
        frames = source.frames()
        before = list(islice(frames, 3))
        server.mute("door")
        with pytest.raises(UnreachableSourceError, match="sent no video"):
            list(frames)
        # Still silent: the next attempt fails as well, within its time.
        with pytest.raises(UnreachableSourceError):
            probe(url, open_timeout_s=0.5, read_timeout_s=0.5)
        server.mute("door", False)
        with VideoSource(url, fps=10) as again:
            after = list(islice(again.frames(), 3))
    assert after[0].wall_s > before[-1].wall_s + 0.5
    assert after[0].wall_s == pytest.approx(time.time(), abs=3.0)


@pytest.mark.parametrize("decode", ["auto", "all"])
def test_another_size_in_mid_stream(films: Films, web: Any, decode: Any) -> None:
    parts = [
        films.make("wide.ts", TWO_SECONDS, options=B_FRAMES),
        films.make("tall.ts", TWO_SECONDS, start=2.0, options=B_FRAMES, paint=tall),
    ]
    data = b"".join(part.read_bytes() for part in parts)
    web.bodies["/sizes"] = lambda: iter([data])
    frames: list[Frame] = []
    with (
        VideoSource(web.url("sizes"), fps=5, decode=decode) as source,
        pytest.raises(UnreachableSourceError, match="ended"),
    ):
        frames.extend(source.frames())
    shapes = [frame.rgb.shape for frame in frames]
    turn = shapes.index((96, 48, 3))
    assert shapes == [(64, 96, 3)] * turn + [(96, 48, 3)] * (len(shapes) - turn)
    assert min(turn, len(shapes) - turn) >= 9
    assert _ordered(frames)


@pytest.mark.parametrize(("options", "name"), [(None, "p"), (B_FRAMES, "b")], ids=["P", "B"])
def test_a_clock_of_33_bits_wraps_and_time_goes_on(
    films: Films, options: dict[str, str] | None, name: str
) -> None:
    path = films.make(f"wrap-{name}.ts", TWO_SECONDS, start=WRAP_S - 2.4, options=options)
    with av.open(str(path)) as container:
        assert container.streams.video[0].start_time is not None
    frames = list(VideoSource(str(path), fps=25).frames())
    assert [films.number_of(f.rgb) for f in frames] == [k % 27 for k in range(50)]
    assert [f.pts_s for f in frames] == pytest.approx(TWO_SECONDS, abs=0.002)


@pytest.mark.parametrize("starts", [(50.0, 3.0), (3.0, 500.0)])
def test_a_clock_that_jumps_starts_a_segment_and_time_goes_on(
    films: Films, starts: tuple[float, float]
) -> None:
    parts = [
        films.make(f"jump-{start}.ts", TWO_SECONDS, start=start, options=B_FRAMES)
        for start in starts
    ]
    path = films.folder / "jump.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with VideoSource(str(path), fps=25) as source:
        frames = list(source.frames())
    assert source.stats.segments == 2
    assert _ordered(frames)
    assert max(b.pts_s - a.pts_s for a, b in pairwise(frames)) < 0.2
    assert frames[-1].pts_s == pytest.approx(99 * 0.04, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fps", [25, 1])
def test_flipped_bits_are_counted_and_never_fatal(
    films: Films, web: Any, seed: int, fps: int
) -> None:
    path = films.make(
        "bits.ts", [k * 0.04 for k in range(250)], options={"g": "25", "bf": "0", "crf": "10"}
    )
    data = bytearray(path.read_bytes())
    rng = random.Random(seed)
    # Two seconds in the middle come over a very bad line.
    for at in rng.sample(range(len(data) * 4 // 10, len(data) * 6 // 10), len(data) // 500):
        data[at] ^= 1 << rng.randrange(8)
    web.bodies["/bits"] = lambda: iter([bytes(data)])
    frames: list[Frame] = []
    with (
        VideoSource(web.url("bits"), fps=fps) as source,
        pytest.raises(UnreachableSourceError, match="ended the connection"),
    ):
        frames.extend(source.frames())
    assert source.stats.corrupt > 0
    assert _ordered(frames)
    assert len(frames) >= 0.6 * 10 * fps
    # The end is sound again.
    assert films.number_of(frames[-1].rgb) in {(249 - k) % 27 for k in range(25 if fps == 1 else 2)}


def test_data_that_comes_after_a_pause_within_the_time_out_is_read_on(
    films: Films, web: Any
) -> None:
    data = films.make("pause.ts", TWO_SECONDS).read_bytes()
    resumed = threading.Event()

    def body() -> Iterator[bytes]:
        yield data[: len(data) // 2]
        time.sleep(1.5)
        resumed.set()
        yield data[len(data) // 2 :]

    web.bodies["/pause"] = body
    frames: list[Frame] = []
    with (
        VideoSource(web.url("pause"), fps=25, read_timeout_s=4.0) as source,
        pytest.raises(UnreachableSourceError, match="ended"),
    ):
        frames.extend(source.frames())
    assert resumed.is_set()
    assert len(frames) >= 48
    assert source.stats.segments == 1
    assert _ordered(frames)
