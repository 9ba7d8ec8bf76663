"""Decoding no more than the wanted pictures need, and the same pictures all the same."""

from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flashstream.demo.cameras import Scene, film_of_photographs
from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.media import locate
from flashstream.video import held
from flashstream.video.reading import SourceStats
from flashstream.video.source import VideoSource

Films = Any  # tests/video/conftest.py
SIX_SECONDS = [k * 0.04 for k in range(150)]
CLOSED = {"g": "25", "bf": "0", "sc_threshold": "0"}
B_FRAMES = {"g": "60", "bf": "3", "b_strategy": "0"}


def scenery(number: int) -> NDArray[np.uint8]:
    """A pattern that moves, so that each picture needs those before it."""
    y, x = np.mgrid[:64, :96]
    waves = 90 * np.sin((x + 3 * number) / 9) + 30 * np.cos((y - number) / 5)
    return np.repeat((128 + waves)[..., None], 3, axis=2).astype(np.uint8)


def small_scenery(number: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(scenery(number)[::2, ::2])


def _read(path: Path, fps: float, **how: Any) -> tuple[list[tuple[float, bytes]], SourceStats]:
    with VideoSource(str(path), fps=fps, clock=lambda: 100.0, **how) as source:
        frames = [(f.pts_s, f.wall_s, f.rgb.shape, f.rgb.tobytes()) for f in source.frames()]
    return [
        (pts, b"%r %r %b" % (wall, shape, rgb)) for pts, wall, shape, rgb in frames
    ], source.stats


KINDS = [
    ("closed.mp4", "libx264", CLOSED, 0.3),
    ("closed.ts", "libx264", CLOSED, 0.3),
    ("closed.mkv", "libx264", CLOSED, 0.3),
    ("raw.h264", "libx264", CLOSED, 1.0),
    ("b.mp4", "libx264", B_FRAMES, 1.0),
    ("b.ts", "libx264", B_FRAMES, 1.0),
    ("open.ts", "libx264", B_FRAMES | {"g": "25", "x264-params": "open-gop=1"}, 1.0),
    ("refresh.ts", "libx264", {"g": "25", "bf": "0", "intra-refresh": "1"}, 1.0),
    ("hevc.mp4", "libx265", {"x265-params": "keyint=25:bframes=2:open-gop=0:log-level=0"}, 0.5),
    ("open.hevc.ts", "libx265", {"x265-params": "keyint=25:bframes=3:log-level=0"}, 1.0),
    ("motion.avi", "mjpeg", {}, 0.1),
    ("vp9.mkv", "libvpx-vp9", {"g": "25", "deadline": "realtime", "cpu-used": "8"}, 0.3),
]


@pytest.mark.parametrize(("name", "codec", "options", "share"), KINDS, ids=[k[0] for k in KINDS])
def test_frames_are_the_same_as_if_all_had_been_decoded(
    films: Films, name: str, codec: str, options: dict[str, str], share: float
) -> None:
    path = films.make(f"sparing.{name}", SIX_SECONDS, codec=codec, options=options, paint=scenery)
    for fps in (0.3, 1.0, 1.7):
        sparing, spared = _read(path, fps)
        thorough, full = _read(path, fps, decode="all")
        assert sparing == thorough
        assert len(sparing) == full.sampled == spared.sampled > 1
        assert spared.decoded <= full.decoded
        if fps == 1.0:
            assert spared.decoded <= share * full.decoded


def test_a_new_size_and_jumps_of_the_clock_are_the_same_too(films: Films) -> None:
    parts = [
        films.make(f"part{at}.ts", SIX_SECONDS, start=at, options=CLOSED, paint=paint).read_bytes()
        for at, paint in ((10.0, scenery), (7000.0, small_scenery), (2.0, scenery))
    ]
    path = films.folder / "parts.ts"
    path.write_bytes(b"".join(parts))
    for fps in (0.4, 1.0, 3.0):
        sparing, spared = _read(path, fps)
        assert sparing == _read(path, fps, decode="all")[0]
        assert spared.segments == 3
        assert {frame[1].split(b" ", 1)[1][:12] for frame in sparing} == {
            b"(64, 96, 3) ",
            b"(32, 48, 3) ",
        }


def test_a_file_played_again_keeps_its_time(films: Films) -> None:
    path = films.make("again.mp4", SIX_SECONDS[:40], options=CLOSED, paint=scenery)
    times = []
    for decode in ("auto", "all"):
        with VideoSource(str(path), fps=1, loop=True, decode=decode) as source:
            times.append([(f.pts_s, f.rgb.tobytes()) for f in islice(source.frames(), 7)])
    assert times[0] == times[1]


def test_what_is_held_is_bounded(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    path = films.make("bounded.mp4", SIX_SECONDS, options={"g": "999", "bf": "0"}, paint=scenery)
    sparing, spared = _read(path, 0.2)
    monkeypatch.setattr(held, "MOST_BYTES", 300)
    bounded, all_decoded = _read(path, 0.2)
    assert bounded == sparing
    # Nothing after the last wanted picture is decoded, but for what does not fit.
    assert spared.decoded == 126 < all_decoded.decoded <= 150


def test_a_camera_with_a_key_picture_a_second_costs_one_picture_a_second(tmp_path: Path) -> None:
    scenes = [Scene(locate("espresso"), 2.0), Scene(locate("cat"), 2.0)]
    film = film_of_photographs(scenes, tmp_path / "a.mp4", size=(160, 120), fps=10)
    with (
        RtspServer({"door": Mount(film.path)}) as server,
        VideoSource(server.url("door"), fps=1) as source,
    ):
        frames = list(islice(source.frames(), 4))
    assert [f.pts_s for f in frames] == pytest.approx([0, 1, 2, 3], abs=0.02)
    assert all(frame.key for frame in frames)
    # A live picture is known to be whole when the next one begins.
    assert source.stats.decoded <= 6
    # It is placed as exactly as if each had been looked at when it came.
    gaps = [b.wall_s - a.wall_s for a, b in pairwise(frames)]
    assert gaps == pytest.approx([1, 1, 1], abs=0.1)
