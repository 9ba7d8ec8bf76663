from itertools import islice

import numpy as np

from flashstream.evals.synthetic import SyntheticStream, synthetic_footage, synthetic_pairs
from flashstream.memory_store.pooling import pool


def test_equal_seeds_give_equal_streams_and_others_do_not() -> None:
    one, two, other = (
        np.stack(list(islice(SyntheticStream(4, 8, seed).frames(), 50))) for seed in (1, 1, 2)
    )
    assert one.dtype == np.float16
    assert one.shape == (50, 4, 4, 8)
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_frames_are_sparse_and_like_those_of_a_rectified_encoder() -> None:
    frames = synthetic_footage(500, 4, 32, seed=0).features.astype(np.float32)
    assert frames.min() == 0
    assert frames.max() <= 6
    assert 0.3 < (frames == 0).mean() < 0.9


def test_scenes_last_change_and_come_back() -> None:
    frames = synthetic_footage(4000, 2, 16, seed=0).features.astype(np.float32).reshape(4000, -1)
    steps = np.linalg.norm(np.diff(frames, axis=0), axis=1)
    assert steps.min() > 0  # never the same twice
    cuts = np.flatnonzero(steps > 3 * np.median(steps)) + 1
    assert 30 < len(cuts) < 200
    # After a cut the scene is mostly one that was seen before the one just left.
    back = [
        np.linalg.norm(frames[: max(1, cut - 130)] - frames[cut], axis=1).min() for cut in cuts[20:]
    ]
    assert np.median(back) < 2 * np.median(steps)


def test_steps_of_two_frames_are_pooled_for_the_context() -> None:
    steps = synthetic_pairs(3, 8, 4, seed=0)
    assert steps.full.shape == (3, 8, 8, 4)
    assert len(steps) == len(steps.thumbnails) == 3
    expected = pool(steps.full[1].astype(np.float32), 4).astype(np.float16)
    np.testing.assert_array_equal(steps.low[1], expected)
