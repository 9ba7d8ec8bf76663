from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.demo.pack import pack
from flashstream.models.demo.projector import MARK_WORDS, DemoProjector, novelty

Remember = Callable[..., MemorySnapshot]
HIDDEN, LABELS = 24, 40
OPTIONS = {"channels": 1280, "labels": LABELS, "rank": 4, "names": 5, "dimensions": 8}


@pytest.fixture(scope="module")
def projector() -> DemoProjector:
    """Nothing acts before it: the reader's presence is far below even odds."""
    made = DemoProjector(OPTIONS, HIDDEN)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name not in ("log_temperature", "scales"):
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
        made.reader.presence.copy_(torch.tensor([[0.0, 0.0, 0.0, -30.0]] * 2))
    return made


def _project(projector: DemoProjector, snapshot: MemorySnapshot) -> Tensor:
    item = pack(snapshot)
    with torch.no_grad():
        out: Tensor = projector(torch.from_numpy(item.features), torch.from_numpy(item.meta))
    return out


@pytest.mark.parametrize("frames", [*range(1, 8), 25, 26, 59, 60, 61])
def test_as_many_tokens_as_promised(
    projector: DemoProjector, remember: Remember, frames: int
) -> None:
    snapshot = remember(frames)
    assert _project(projector, snapshot).shape == (pack(snapshot).tokens, HIDDEN)


def test_bf16_says_the_same_as_fp32(projector: DemoProjector, remember: Remember) -> None:
    snapshot = remember(30)
    exact = _project(projector, snapshot)
    half = DemoProjector(OPTIONS, HIDDEN)
    half.load_state_dict(projector.state_dict())
    rough = _project(half.to(torch.bfloat16), snapshot)
    assert rough.dtype == torch.bfloat16
    likeness = torch.cosine_similarity(exact, rough.float(), dim=-1)
    assert likeness.min() > 0.98


def test_a_mark_is_written_in_the_models_own_words(
    projector: DemoProjector, remember: Remember
) -> None:
    snapshot = remember(2, gap_s=137.0)
    tokens = _project(projector, snapshot)
    words = ["\n", "1", "3", "7", "s", ":"]
    expected = projector.mark_words[[MARK_WORDS.index(word) for word in words]]
    oldest = 2
    torch.testing.assert_close(tokens[oldest : oldest + 6], expected)
    now = projector.mark_words[
        [MARK_WORDS.index(word) for word in ("\n", "The", " time", " is", " now", ":")]
    ]
    torch.testing.assert_close(tokens[-10:-4], now)


def test_a_sure_picture_becomes_its_labels_name(
    projector: DemoProjector, remember: Remember
) -> None:
    item = pack(remember(1))
    label = 7
    direction = projector.classifier_weight[label] / projector.classifier_weight[label].norm()
    features = (direction * 500).repeat(len(item.features), 1)
    with torch.no_grad():
        tokens = projector(features, torch.from_numpy(item.meta))
        own = projector.label_tokens[label]
        own = own + own @ projector.down.T @ projector.up.T
        expected = own * projector.scales[2] + projector.kinds[2]
    torch.testing.assert_close(tokens[-4:], expected, atol=1e-4, rtol=1e-3)


def test_features_and_meta_have_to_agree(projector: DemoProjector, remember: Remember) -> None:
    item = pack(remember(2))
    with pytest.raises(ValueError, match="rows"):
        projector(torch.from_numpy(item.features[:-1]), torch.from_numpy(item.meta))


def test_what_acts_takes_the_scenes_place_by_its_name(
    projector: DemoProjector, remember: Remember
) -> None:
    """An entry that differs from all others along a name's prototype is called by that name."""
    acting = DemoProjector(OPTIONS, HIDDEN)
    acting.load_state_dict(projector.state_dict())
    item = pack(remember(8))
    features = torch.from_numpy(item.features).float()
    entries = torch.split(features[8:-16], item.meta[8:-1, 1].tolist())
    entries[5].add_(  # a view of the features, so they change too
        20
        * torch.nn.functional.normalize(
            acting.reader.weight.detach().T @ acting.reader.prototypes[3].detach(), dim=0
        )
    )
    with torch.no_grad():
        acting.reader.bias.zero_()
        # There as soon as a window is not as the background.
        acting.reader.presence.copy_(torch.tensor([[9.0, 3.0, 0.0, 0.0], [0.0, 0.0, 0.0, -30.0]]))
        names, present = acting.read(entries, [1] * len(entries))
        tokens = acting(features, torch.from_numpy(item.meta))
    assert int(names[5, 0]) == 3
    assert float(present[5, 0]) > 0.9
    place = 8 + 10 * 5 + 6
    rank = acting.order.detach().T @ torch.tensor([5 / 59, 5 / 7])
    expected = torch.zeros(4, HIDDEN)
    expected[:2] = acting.name_tokens[3] + acting.novel.detach()
    expected += acting.acting.detach() + acting.kinds[1].detach() + rank
    torch.testing.assert_close(tokens[place : place + 4], expected, atol=0.05, rtol=0.1)


def test_a_name_is_new_in_the_first_entry_that_shows_it() -> None:
    names = torch.tensor([[7, 1], [7, 2], [3, 7], [2, 3]])
    present = torch.tensor([[0.9, 0.0], [1.0, 0.2], [1.0, 1.0], [1.0, 0.5]])
    expected = [[0.9, 0.0], [0.1, 0.2], [1.0, 0.0], [0.8, 0.0]]
    torch.testing.assert_close(novelty(names, present), torch.tensor(expected))


def test_novelty_is_as_looking_back_entry_by_entry() -> None:
    rng = np.random.default_rng(4)
    names, present = rng.integers(0, 5, (30, 2)), rng.random((30, 2)).astype(np.float32)
    expected = np.zeros((30, 2), np.float32)
    for entry in range(30):
        for place in range(2):
            before = present[:entry][names[:entry] == names[entry, place]]
            expected[entry, place] = present[entry, place] * (1 - before.max(initial=0.0))
    found = novelty(torch.from_numpy(names), torch.from_numpy(present))
    torch.testing.assert_close(found, torch.from_numpy(expected))
