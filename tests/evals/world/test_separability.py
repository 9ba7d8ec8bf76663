"""The measurement that names come from: with an encoder that sees nothing but colour."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.world.pictures import Picture
from flashstream.evals.world.separability import Whitening, _known
from flashstream.evals.world.studio import GRIDS, Sight, Studio


class ColourEncoder:
    """The mean colour of each of 8×8 patches."""

    def encode(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        patches: NDArray[np.float64] = (
            np.stack(frames).reshape(-1, 8, 32, 8, 32, 3).mean((2, 4), dtype=np.float64)
        )
        return patches.astype(np.float16)


def test_a_sight_is_what_the_patches_under_the_actor_show() -> None:
    heart = Picture("heart", "❤", "twemoji")
    studio = Studio(ColourEncoder(), seed=3)
    told: list[float] = []
    sights = studio.sights(
        "test", [heart], (0.7, 0.8), 8, lambda _, share: told.append(share), "looking"
    )
    assert len(sights) == 8
    assert told[-1] == 1.0
    for grid in (8, 4):
        features = np.stack([sight.features[grid] for sight in sights])
        assert (features[:, 0] > 1.3 * features[:, 1]).all()  # red, by day and by night
    assert set(sights[0].features) == set(GRIDS)


def test_equal_seeds_give_equal_sights_and_others_others() -> None:
    picture = Picture("taxi", "🚕", "noto")

    def features(seed: int) -> NDArray[np.float32]:
        sights = Studio(ColourEncoder(), seed).sights(
            "train", [picture], (0.5, 0.6), 2, lambda *_: None, ""
        )
        return np.stack([sight.features[8] for sight in sights])

    assert np.array_equal(features(1), features(1))
    assert not np.allclose(features(1), features(2))


def test_whitening_takes_away_what_does_not_matter() -> None:
    """Each thing has a direction; a stronger nuisance, in one that is none's, hides it."""
    rng = np.random.default_rng(0)

    def sights(names: Sequence[str], times: int) -> list[Sight]:
        out = []
        for name in names:
            own = np.append(0.0, np.random.default_rng(ord(name)).normal(0, 1.2, 7))
            for _ in range(times):
                nuisance = rng.normal(0, 8) * np.eye(8)[0]
                features = own + nuisance + rng.normal(0, 0.05, 8)
                out.append(Sight(name, {8: features.astype(np.float32)}))
        return out

    white = Whitening(sights("abcdefghijklmnopqrst", 20), 8)
    known = np.stack([sight.features[8] for sight in sights("uvwxyz", 3)])
    test = sights("uvwxyz", 20)
    asked, truth = np.stack([sight.features[8] for sight in test]), [each.name for each in test]

    def share(seen: NDArray[np.float32], told: NDArray[np.float32]) -> float:
        prototypes = seen.reshape(6, 3, 8).mean(1)
        return float(np.mean(_known(prototypes, "uvwxyz", told, truth)))

    plain, whitened = share(known, asked), share(white(known), white(asked))
    assert plain < 0.6
    assert whitened > 0.9
