from itertools import islice

import numpy as np
import pytest

from flashstream.errors import InvalidRequestError
from flashstream.evals.clips import clip_frames, clip_pairs, squashed, watch, watch_pairs
from flashstream.models.demo.encoder import DemoEncoder
from flashstream.models.demo.family import DemoFamily


def test_frames_and_pairs_of_clips_follow_each_other() -> None:
    all_frames = list(clip_frames(["carphone"]))
    assert len(all_frames) == 120
    some = list(clip_frames(["carphone", "carphone"], every=50))
    assert len(some) == 2 * 3
    for frame, number in zip(some, (0, 50, 100, 0, 50, 100), strict=True):
        np.testing.assert_array_equal(frame, all_frames[number])
    pairs = list(clip_pairs(["carphone"], every=20))
    assert len(pairs) == 3
    for (first, second), number in zip(pairs, (0, 40, 80), strict=True):
        np.testing.assert_array_equal(first, all_frames[number])
        np.testing.assert_array_equal(second, all_frames[number + 1])


def test_frames_are_squashed_as_the_demo_family_does() -> None:
    frame = next(clip_frames(["carphone"]))
    np.testing.assert_array_equal(squashed(frame, 256), DemoFamily().preprocess(frame))


def test_watching_gives_the_encoders_features_and_thumbnails() -> None:
    shares: list[float] = []
    footage = watch(
        ["carphone", "bikes"], lambda _, share: shares.append(share), every=60, side=64, limit=4
    )
    assert footage.features.shape == (4, 2, 2, 1280)
    assert footage.features.dtype == np.float16
    frames = list(islice(clip_frames(["carphone", "bikes"], every=60), 4))
    expected = DemoEncoder("cpu", 64).encode([squashed(frame, 64) for frame in frames])
    np.testing.assert_array_equal(footage.features, expected)
    assert len(footage) == len(footage.thumbnails) == 4
    assert all(picture.startswith(b"\xff\xd8") for picture in footage.thumbnails)
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    half = footage.every(2)
    np.testing.assert_array_equal(half.features, footage.features[::2])
    assert half.thumbnails == footage.thumbnails[::2]
    means = footage.features.astype(np.float32).mean(axis=(1, 2))
    np.testing.assert_allclose(footage.points(1), means, rtol=1e-5, atol=1e-6)
    assert footage.points(2).shape == (4, 4 * 1280)


def test_a_step_is_the_mean_of_its_two_frames_at_both_resolutions() -> None:
    paired = watch_pairs(
        ["carphone"], lambda *_: None, every=30, low_side=32, full_side=64, limit=2
    )
    assert paired.low.shape == (2, 1, 1, 1280)
    assert paired.full.shape == (2, 2, 2, 1280)
    assert len(paired) == len(paired.thumbnails) == 2
    pairs = list(clip_pairs(["carphone"], every=30))
    for side, found in ((32, paired.low), (64, paired.full)):
        encoder = DemoEncoder("cpu", side)
        for number, pair in enumerate(pairs):
            one, two = encoder.encode([squashed(frame, side) for frame in pair])
            mean = (one.astype(np.float32) + two) / 2
            np.testing.assert_allclose(found[number], mean, atol=0.02)


def test_an_unknown_clip_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="carphone"):
        next(clip_frames(["nothing"]))
