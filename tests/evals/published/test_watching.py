"""What of a video a question sees; and features in files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import published_data as data
from support.published_model import ColourEncoder, ColourFamily, ColourModel, newest_colour

from flashstream.errors import BenchmarkDataError
from flashstream.evals.published import features
from flashstream.evals.published.frames import shown
from flashstream.evals.published.media import (
    PictureFolders,
    StoredFeatures,
    VideoFile,
    locate,
)
from flashstream.evals.published.question import Question
from flashstream.evals.published.watching import START_S, Watcher

SECONDS = np.arange(3, dtype=np.float64)


def asked(number: int, **more: Any) -> Question:
    return Question(f"q{number}", "v", ("v",), "what", ("x",), **more)


def watcher(**more: Any) -> Watcher:
    model = ColourModel()
    return Watcher(model.family, model.encoder, model.memory, **more)


@pytest.fixture
def video(tmp_path: Path) -> VideoFile:
    data.write_video(tmp_path / "v.mp4", ["red", "green", "blue", "red"])
    return VideoFile(tmp_path / "v.mp4")


def test_frames_are_sampled_by_time(video: VideoFile, tmp_path: Path) -> None:
    assert [round(f.time_s, 3) for f in shown(video, fps=1)] == [0, 1, 2, 3]
    assert [round(f.time_s, 3) for f in shown(video, fps=2)] == [n / 2 for n in range(8)]
    data.write_pictures(tmp_path / "p", {f"{n}": "red" for n in range(12)})
    folder = PictureFolders((tmp_path / "p",))
    pictures = list(shown(folder, fps=1, folder_fps=3))
    assert [(p.time_s, p.name) for p in pictures] == [(0, "0"), (1, "3"), (2, "6"), (3, "9")]
    assert len(list(shown(folder, fps=9, folder_fps=3))) == 12


def test_a_question_sees_what_was_before_it_and_nothing_else(video: VideoFile) -> None:
    questions = [asked(0), asked(1, end=1.0), asked(2, end=2.5), asked(3, end=1.0)]
    seen = {each.question.id: each.snapshot for each in watcher().watch(video, questions)}
    colours = {name: newest_colour(snapshot) for name, snapshot in seen.items()}
    assert colours == {"q0": "red", "q1": "red", "q2": "blue", "q3": "red"}
    assert {name: s.frames_seen for name, s in seen.items()} == {"q0": 4, "q1": 1, "q2": 3, "q3": 1}
    assert seen["q2"].as_of == START_S + 2
    assert seen["q1"] is seen["q3"]


def test_a_stretch_of_a_video_begins_where_it_begins(video: VideoFile) -> None:
    (one,) = watcher(fps=2).watch(video, [asked(0, begin_s=1.0, end=2.0)])
    assert one.snapshot.frames_seen == 2
    assert newest_colour(one.snapshot) == "green"


def test_reading_stops_after_the_last_question(tmp_path: Path) -> None:
    data.write_pictures(tmp_path / "p", {f"{n:03d}": "red" for n in range(40)})
    (tmp_path / "p/039.jpg").write_bytes(b"never read")
    folder = PictureFolders((tmp_path / "p",))
    assert len(list(watcher().watch(folder, [asked(0, end=2.0)]))) == 1
    with pytest.raises(BenchmarkDataError, match=r"cannot read the picture .*039\.jpg"):
        list(watcher().watch(folder, [asked(0)]))


@pytest.mark.parametrize("span", [{"end": -1.0}, {"begin_s": 90.0}])
def test_a_question_about_no_frame_is_refused(video: VideoFile, span: dict[str, float]) -> None:
    with pytest.raises(BenchmarkDataError, match=r"v\.mp4 has no frame from second"):
        list(watcher().watch(video, [asked(0, **span)]))


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_stored_features_give_the_memory_that_the_video_gives(
    ending: str, video: VideoFile, tmp_path: Path
) -> None:
    family, encoder = ColourFamily(), ColourEncoder()
    frames = list(shown(video, fps=1))
    path = tmp_path / f"v{ending}"
    stored = features.FeatureFile(
        encoder.encode([family.preprocess(frame.rgb) for frame in frames]),
        np.array([frame.time_s for frame in frames]),
        family.fingerprint(),
        ("a", "b", "c", "d"),
    )
    features.save(path, stored)
    found = locate(asked(0), [tmp_path])
    assert found == StoredFeatures(path)
    model = ColourModel()
    watching = Watcher(model.family, model.encoder, model.memory)
    questions = [asked(0), asked(1, end=2.0)]
    ours = [each.snapshot.uuid for each in watching.watch(found, questions)]
    assert ours == [each.snapshot.uuid for each in watcher().watch(video, questions)]
    assert model.encoders == []
    (named,) = watching.watch(found, [asked(2, end="b")])
    assert newest_colour(named.snapshot) == "green"


def test_features_of_another_model_or_shape_are_refused(tmp_path: Path) -> None:
    grid = np.zeros((3, 2, 2, 3), np.float16)
    path = tmp_path / "v.npz"
    for stored, says in (
        (features.FeatureFile(grid, SECONDS, "other"), "made by model 'other'"),
        (features.FeatureFile(grid[:, :1], SECONDS, "m"), r"float16\[N, 2, 2, 3\] is taken"),
        (features.FeatureFile(grid, SECONDS[::-1], "m"), "times_s are not 3 finite"),
        (features.FeatureFile(grid, SECONDS, "m", ("a",)), "1 names for 3 frames"),
    ):
        features.save(path, stored)
        with pytest.raises(BenchmarkDataError, match=says):
            features.load(path, (2, 2, 3), "m")
    for name in ("v.npz", "v.safetensors"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(BenchmarkDataError, match="cannot be read as features"):
            features.load(tmp_path / name, (2, 2, 3), "m")
    np.savez(path, features=grid)
    with pytest.raises(BenchmarkDataError, match=r"has no .*times_s"):
        features.load(path, (2, 2, 3), "m")


def test_media_are_found_by_name_in_the_first_folder_that_has_them(tmp_path: Path) -> None:
    question = Question("q", "a.mp4", ("1/a.mp4", "a.mp4"), "what", ())
    one, two = tmp_path / "one", tmp_path / "two"
    assert locate(question, [one, two]) is None
    data.write_video(two / "a.webm.mkv", ["red"])
    data.write_video(two / "a.mkv", ["red"])
    assert locate(question, [one, two]) == VideoFile(two / "a.mkv")
    data.write_pictures(two / "1/a", {"1": "red"})
    assert locate(question, [one, two]) == PictureFolders((two / "1/a",))
    data.write_video(one / "a.mp4", ["red"])
    assert locate(question, [one, two]) == VideoFile(one / "a.mp4")
