"""Worlds as real video, and the command that shows one."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from flashstream.evals.world.film import camera, film
from flashstream.evals.world.pictures import PictureBook
from flashstream.evals.world.world import World, WorldSpec

SPEC = WorldSpec("dev", 2, length_s=40.0, visits=2, start_hour=12.0)
FLASHSTREAM = str(Path(sys.executable).with_name("flashstream"))


def test_a_film_shows_the_frames_in_their_time(book: PictureBook, tmp_path: Path) -> None:
    world = World(SPEC, book)
    path = film(world, tmp_path / "w.mp4", speed=2.0)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        shown = list(container.decode(stream))
    assert len(shown) == 40
    assert float(shown[10].time or 0) == pytest.approx(5.0)
    truth = World(replace(SPEC, quality=None), book)
    for number in (0, 17, 39):
        error = shown[number].to_ndarray(format="rgb24").astype(float) - truth.frame(number)
        assert np.abs(error).mean() < 12


def test_a_camera_plays_the_world_over_rtsp(book: PictureBook, tmp_path: Path) -> None:
    world = World(replace(SPEC, fps=5.0, length_s=20.0, visits=None), book)
    with camera(world, tmp_path, speed=4.0) as url:
        assert url.startswith("rtsp://127.0.0.1:")
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=20) as container:
            first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    error = first.astype(float) - World(replace(world.spec, quality=None), book).frame(0)
    assert np.abs(error).mean() < 15


def test_world_show_writes_film_truth_and_questions(tmp_path: Path) -> None:
    to = tmp_path / "look"
    done = subprocess.run(
        [FLASHSTREAM, "eval", "world-show", "--minutes", "1.5", "--out", str(to)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads((to / "timeline.json").read_text())
    assert facts["frames"] == 90
    assert len(facts["visits"]) == json.loads(done.stdout)["visits"]
    asked = json.loads((to / "questions.json").read_text())
    assert all(each["question"] and each["answer"] for each in asked)
    assert "| first seen |" in (to / "timeline.md").read_text()
    assert (to / "sheet.png").stat().st_size > 10_000
    with av.open(str(to / "world.mp4")) as container:
        assert container.streams.video[0].frames == 90


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--split", "eval"], "train, dev, test"),
        (["--minutes", "0.1"], "20 seconds to 24 hours"),
        (["--minutes", "1", "--visits", "99"], "at least"),
        (["--out", "/dev/null/x"], "cannot be made a folder"),
    ],
)
def test_world_show_says_what_is_wrong(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [FLASHSTREAM, "eval", "world-show", "--out", str(tmp_path / "x"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
