import numpy as np
import pytest
from PIL import Image

from flashstream import media
from flashstream.config import Settings
from flashstream.errors import SettingError
from flashstream.evals.photos import look, run, score, summary
from flashstream.evals.still import still_frames
from flashstream.models.demo.labels import load_labels
from flashstream.models.registry import family as family_named


def test_a_still_camera_shows_nearly_the_whole_picture() -> None:
    picture = Image.fromarray(
        np.arange(300 * 400 * 3, dtype=np.uint32).astype(np.uint8).reshape(300, 400, 3)
    )
    frames = list(still_frames(picture, np.random.default_rng(0)))
    assert len(frames) == 10
    assert all(0.93 < f.shape[0] / 300 <= 1 and 0.93 < f.shape[1] / 400 <= 1 for f in frames)
    assert len({f.shape for f in frames}) > 1


def test_photographs_are_remembered_and_answers_scored() -> None:
    family, labels = family_named("demo"), load_labels()
    chosen = [media.medium("yurt"), media.medium("landrover")]
    told: list[float] = []
    yurt, rover = look(family, chosen, "cpu", lambda _what, share: told.append(share))
    assert told == [0.5, 1.0]
    assert yurt.snapshot.frames_seen == 10
    assert labels.names[yurt.encoder_label] == "yurt"
    right = score(yurt, "Two yurts.", labels)
    wrong = score(rover, "A jeep.", labels)
    assert (right.correct, right.encoder_correct) == (True, True)
    assert (wrong.correct, wrong.encoder_correct) == (False, False)
    result = summary([right, wrong])
    assert result["photos"] == 2
    assert result["accuracy"] == result["encoder_accuracy"] == 0.5
    assert result["items"][0] == {
        "photo": "yurt",
        "label": "yurt",
        "encoder_label": "yurt",
        "answer": "Two yurts.",
        "correct": True,
        "encoder_correct": True,
    }


def test_a_family_without_labels_is_refused() -> None:
    with pytest.raises(SettingError, match="demo"):
        run(Settings(model="other"), lambda _what, _share: None)
