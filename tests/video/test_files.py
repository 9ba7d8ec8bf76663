"""Files, and files over HTTP, through real codecs."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import PictureType

from flashstream.errors import NotVideoError
from flashstream.video.frame import Frame
from flashstream.video.opening import probe
from flashstream.video.source import VideoSource

Films = Any  # tests/video/conftest.py
VARIABLE = [0.0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.5, 3.2, 3.3, 3.9, 4.0]
EVEN = [k * 0.04 for k in range(100)]


def _seen(films: Films, frames: list[Frame]) -> list[tuple[float, int]]:
    return [(round(frame.pts_s, 3), films.number_of(frame.rgb)) for frame in frames]


@pytest.mark.parametrize("name", ["variable.mkv", "variable.mp4", "variable.ts"])
def test_sampling_is_by_presentation_time(films: Films, name: str) -> None:
    path = films.make(name, VARIABLE)
    with VideoSource(str(path), fps=2, clock=lambda: 5000.0) as source:
        frames = list(source.frames())
    assert _seen(films, frames) == [
        (0.0, 0), (0.9, 3), (1.0, 4), (1.5, 6), (3.2, 7), (3.9, 9), (4.0, 10),
    ]  # fmt: skip
    assert [frame.wall_s for frame in frames] == [5000.0 + frame.pts_s for frame in frames]
    assert source.stats.sampled == 7
    assert source.stats.segments == 1
    assert frames[0].key
    assert not frames[1].key


def test_a_frame_s_time_is_what_interfaces_tell_of_it(films: Films) -> None:
    """Those tell microseconds, so that whoever reads a time there has it to the bit."""
    path = films.make("thirds.mp4", [k / 3 for k in range(6)])
    with VideoSource(str(path), fps=3, clock=lambda: 1_790_000_000.1234567) as source:
        times = [frame.wall_s for frame in source.frames()]
    assert times[0] == 1_790_000_000.123457
    assert times == [datetime.fromtimestamp(time_s, UTC).timestamp() for time_s in times]
    assert times == sorted(times)


def test_all_frames_come_in_order_with_b_frames(films: Films) -> None:
    options = {"g": "50", "bf": "3", "b_strategy": "0"}
    path = films.make("b.mp4", EVEN, options=options)
    with av.open(str(path)) as container:
        kinds = {frame.pict_type for frame in container.decode(video=0)}
    assert PictureType.B in kinds
    frames = list(VideoSource(str(path), fps=25).frames())
    assert _seen(films, frames) == [(round(t, 3), k % 27) for k, t in enumerate(EVEN)]


def test_pictures_nobody_asks_for_are_not_decoded_and_the_others_are_unchanged(
    films: Films,
) -> None:
    options = {"g": "50", "bf": "3", "b_strategy": "0"}
    options["x264-params"] = "b-pyramid=none:scenecut=0"
    path = films.make("skip.mp4", EVEN, options=options)
    every = {round(f.pts_s, 3): f.rgb for f in VideoSource(str(path), fps=25).frames()}
    with VideoSource(str(path), fps=1.7) as source:
        frames = list(source.frames())
    due = [-(-k * 25 // 1.7) / 25 for k in range(7)]  # the first picture at or after k/1.7 s
    assert [round(frame.pts_s, 3) for frame in frames] == [round(t, 3) for t in due]
    assert all((frame.rgb == every[round(frame.pts_s, 3)]).all() for frame in frames)
    assert source.stats.decoded < 50


def test_a_stream_without_times_is_spaced_by_its_rate(films: Films) -> None:
    path = films.make("raw.h264", EVEN[:50])
    frames = list(VideoSource(str(path), fps=5).frames())
    assert _seen(films, frames) == [(round(k * 0.2, 3), (k * 5) % 27) for k in range(10)]


def test_a_turned_film_is_seen_upright(films: Films) -> None:
    flat = next(VideoSource(str(films.make("flat.mp4", EVEN[:3])), fps=1).frames())
    turned = films.make("turned.mp4", EVEN[:3], rotation=90)
    upright = next(VideoSource(str(turned), fps=1).frames())
    assert flat.rgb.shape == (64, 96, 3)
    assert upright.rgb.shape == (96, 64, 3)


def test_joined_recordings_are_segments_of_one_line(films: Films) -> None:
    parts = [films.make(f"{start}.ts", EVEN[:25], start=start) for start in (10.0, 7000.0, 2.0)]
    path = films.folder / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with VideoSource(str(path), fps=25) as source:
        frames = list(source.frames())
    times = [frame.pts_s for frame in frames]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(74 * 0.04, abs=0.1)
    assert source.stats.segments == 3


def test_damage_in_the_middle_is_counted_and_survived(films: Films) -> None:
    path = films.make("damaged.mp4", EVEN, options={"g": "10", "bf": "0", "crf": "1"})
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.pos is not None]
    for position, size in packets[30:35]:
        data[position + 6 : position + size] = bytes(size - 6)
    path.write_bytes(data)
    with VideoSource(str(path), fps=25) as source:
        frames = list(source.frames())
    assert source.stats.corrupt >= 5
    sound = {round(f.pts_s, 3): films.number_of(f.rgb) for f in frames}
    assert all(sound[round(t, 3)] == k % 27 for k, t in enumerate(EVEN) if not 30 <= k < 40)


def test_a_file_played_again_goes_on_in_time(films: Films) -> None:
    path = films.make("loop.mp4", EVEN[:25])
    with VideoSource(str(path), fps=5, loop=True, clock=lambda: 100.0) as source:
        frames = list(islice(source.frames(), 16))
    assert _seen(films, frames) == [(round(k * 0.2, 3), (k % 5) * 5) for k in range(16)]
    assert [f.wall_s for f in frames] == pytest.approx([100 + f.pts_s for f in frames])
    assert source.stats.segments == 4


def test_a_file_played_live_is_paced(films: Films) -> None:
    path = films.make("paced.mp4", EVEN)
    source = VideoSource(str(path), fps=5, live=True, speed=5.0)
    arrivals = [(time.time(), frame) for frame in source.frames()]
    start = arrivals[0][1].wall_s
    assert all(arrived >= frame.wall_s - 0.001 for arrived, frame in arrivals)
    assert [f.wall_s - start for _, f in arrivals] == pytest.approx(
        [k / 25 for k in range(20)], abs=2e-6
    )  # wall times are whole microseconds
    assert 0.7 < arrivals[-1][0] - arrivals[0][0] < 2.0


def test_a_file_played_live_leaves_pictures_out_when_nobody_keeps_up(films: Films) -> None:
    times = [k * 0.1 for k in range(80)]
    path = films.make("late.mp4", times, options={"g": "10", "bf": "0"})
    late = 0.0
    frames = []
    source = VideoSource(str(path), fps=10, live=True, clock=lambda: time.time() + late)
    for frame in source.frames():
        frames.append(frame)
        late += 0.0 if source.stats.skipped else 0.4  # four times too slow at first
    before, after = next((a, b) for a, b in pairwise(frames) if b.pts_s - a.pts_s > 1)
    assert source.stats.skipped == round((after.pts_s - before.pts_s) * 10) - 1
    assert after.key
    assert len(frames) + source.stats.skipped == 80
    assert all(films.number_of(f.rgb) == round(f.pts_s * 10) % 27 for f in frames)
    # What was due is shown late, what follows in time again.
    assert -0.1 < time.time() + late - frames[-1].wall_s < 1.5


def test_closing_wakes_a_reader_that_waits_for_a_frames_time(films: Films) -> None:
    path = films.make("slow.mp4", [0.0, 1.0])
    source = VideoSource(str(path), fps=1, live=True, speed=0.001)
    frames: list[Frame] = []
    reader = threading.Thread(target=lambda: frames.extend(source.frames()))
    reader.start()
    _until(lambda: len(frames) == 1 or source.stats.sampled == 1)
    source.close()
    reader.join(30)
    assert not reader.is_alive()
    assert source.stats.sampled == 1


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_after_close_there_are_no_more_frames(films: Films) -> None:
    source = VideoSource(str(films.make("closed.mp4", EVEN)), fps=25)
    frames = source.frames()
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []
    with pytest.raises(RuntimeError, match="read once"):
        source.frames()


@pytest.mark.parametrize(("fps", "speed"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0)])
def test_rates_that_make_no_sense_are_refused(fps: float, speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        VideoSource("a.mp4", fps=fps, speed=speed)


def test_a_file_over_http_is_read_like_the_file(films: Films, web: Any) -> None:
    path = films.make("web.mp4", EVEN)
    local = list(VideoSource(str(path), fps=5).frames())
    remote = list(VideoSource(web.url("web.mp4"), fps=5).frames())
    assert len(remote) == 20
    assert [(f.pts_s, f.rgb.tobytes()) for f in remote] == [
        (f.pts_s, f.rgb.tobytes()) for f in local
    ]


def test_probe_tells_what_a_file_is(films: Films, web: Any) -> None:
    films.make("probed.mp4", EVEN)
    for url in (str(films.folder / "probed.mp4"), web.url("probed.mp4")):
        info = probe(url)
        assert (info.codec, info.width, info.height, info.live) == ("h264", 96, 64, False)
        assert info.fps == pytest.approx(25, rel=0.01)
        assert info.duration_s == pytest.approx(4.0, abs=0.05)


def test_a_track_without_any_picture_is_no_video(films: Films, tmp_path: Path) -> None:
    path = films.make("hollow.mp4", EVEN[:10])
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.pos is not None:
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    hollow = tmp_path / "hollow.mp4"
    hollow.write_bytes(data)
    with pytest.raises(NotVideoError, match="could be decoded"):
        probe(str(hollow))
    with pytest.raises(NotVideoError, match="could be decoded"):
        list(VideoSource(str(hollow), fps=1, loop=True).frames())
