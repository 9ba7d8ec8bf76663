from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from flashstream.demo.cameras import Film, Scene, Shown, film_of_clip, film_of_photographs
from flashstream.errors import NotVideoError, UnreachableSourceError
from flashstream.video.source import VideoSource


def _colour(rgb: np.ndarray) -> str:
    return ("red", "green", "blue")[int(rgb.reshape(-1, 3).mean(0).argmax())]


def test_a_film_shows_each_photograph_when_its_schedule_says(film: Film) -> None:
    assert film.schedule == (
        Shown("red", 0.0, 1.0),
        Shown("meadow", 1.0, 1.5),
        Shown("blue", 1.5, 3.0),
    )
    assert film.seconds == 3.0
    names = {"red": "red", "meadow": "green", "blue": "blue"}
    frames = list(VideoSource(str(film.path), fps=20).frames())
    assert len(frames) == 60
    assert all(_colour(f.rgb) == names[film.shown_at(f.pts_s + 0.01).name] for f in frames)
    assert all(frame.rgb.shape == (120, 160, 3) for frame in frames)


def test_a_film_is_h264_that_can_be_joined_within_a_second(film: Film) -> None:
    with av.open(str(film.path)) as container:
        track = container.streams.video[0]
        assert track.codec_context.name == "h264"
        packets = [packet for packet in container.demux(track) if packet.size]
    assert all(packet.pts == packet.dts for packet in packets)
    keys = [i for i, packet in enumerate(packets) if packet.is_keyframe]
    assert {0, 20, 30} <= set(keys)
    assert max(b - a for a, b in zip([*keys], [*keys[1:], 60], strict=True)) <= 20


def test_what_is_shown_beyond_the_end_is_what_a_loop_shows(film: Film) -> None:
    assert [film.shown_at(t).name for t in (0.0, 0.999, 1.0, 2.9, 3.0, 7.2, 3e6 + 1.6)] == [
        "red", "red", "meadow", "blue", "red", "meadow", "blue",
    ]  # fmt: skip


def test_a_photograph_drifts_slowly_within_its_middle(tmp_path: Path) -> None:
    # Brightness rises from left to right over the middle 4:3 part; outside of it all is red.
    pixels = np.zeros((300, 800, 3), np.uint8)
    pixels[:, :, 0] = 255
    pixels[:, 200:600] = np.linspace(0, 255, 400, dtype=np.uint8)[None, :, None]
    Image.fromarray(pixels).save(tmp_path / "ramp.png")
    scenes = [Scene(tmp_path / "ramp.png", 2.0)]
    made = film_of_photographs(scenes, tmp_path / "ramp.mp4", size=(160, 120), fps=10)
    frames = [f.rgb.astype(int) for f in VideoSource(str(made.path), fps=10).frames()]
    assert all(abs(f[:, 4:-4, 0] - f[:, 4:-4, 2]).mean() < 6 for f in frames)
    left, right = ([float(f[:, x].mean()) for f in frames] for x in (8, -8))
    assert left[-1] - left[0] > 10
    assert abs(right[-1] - right[0]) < 40
    assert max(abs(b - a) for a, b in pairwise(left)) < 6


def test_equal_scenes_make_equal_pictures(photographs: dict[str, Path], tmp_path: Path) -> None:
    made = [
        film_of_photographs([Scene(photographs["red"], 0.3)], tmp_path / f"{i}.mp4", size=(64, 48))
        for i in range(2)
    ]
    one, two = ([f.rgb.tobytes() for f in VideoSource(str(m.path), fps=10).frames()] for m in made)
    assert one == two


def test_a_film_needs_a_scene(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one scene"):
        film_of_photographs([], tmp_path / "none.mp4")


def test_a_clip_is_filmed_again_at_another_rate_and_size(film: Film, tmp_path: Path) -> None:
    made = film_of_clip(
        film.path, tmp_path / "again.mp4", name="walk", seconds=1.2, size=(100, 100), fps=5
    )
    assert made.schedule == (Shown("walk", 0.0, 1.2),)
    frames = list(VideoSource(str(made.path), fps=5).frames())
    assert [_colour(frame.rgb) for frame in frames] == ["red"] * 5 + ["green"]
    assert frames[0].rgb.shape == (76, 100, 3)
    whole = film_of_clip(film.path, tmp_path / "whole.mp4", fps=40)
    assert whole.seconds == pytest.approx(3.0, abs=0.06)


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreachableSourceError, match="no file"):
        film_of_clip(tmp_path / "none.mp4", tmp_path / "out.mp4")
    (tmp_path / "text.mp4").write_text("text" * 99)
    with pytest.raises(NotVideoError):
        film_of_clip(tmp_path / "text.mp4", tmp_path / "out.mp4")
