from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openvino
import pytest
import torch
from openvino.tools.ovc.telemetry_stub import Telemetry
from PIL import Image
from torch import nn

from flashstream import media
from flashstream.errors import MemoryShapeError
from flashstream.models.demo.encoder import DemoEncoder, EncoderNetwork, encoder_weights, placed_on
from flashstream.models.family import ModelFamily


@pytest.fixture(scope="module")
def encoder() -> DemoEncoder:
    return DemoEncoder("cpu", 256)


@pytest.mark.parametrize("shape", [(480, 640, 3), (91, 33, 3), (256, 256, 3)])
def test_the_whole_picture_becomes_the_square(
    family: ModelFamily, shape: tuple[int, int, int]
) -> None:
    rgb = np.zeros(shape, np.uint8)
    rgb[:, shape[1] // 2 :] = 255
    square = family.preprocess(rgb)
    assert square.shape == (256, 256, 3)
    assert square.dtype == np.uint8
    assert square[:, :100].max() < 40
    assert square[:, 156:].min() > 215


@pytest.mark.parametrize("name", ["espresso", "cheetah", "drum", "folding-chair"])
def test_a_photograph_gets_its_label(family: ModelFamily, encoder: DemoEncoder, name: str) -> None:
    entry = media.medium(name)
    assert entry.measured is not None
    with Image.open(media.locate(name)) as file:
        picture = file.convert("RGB")
    width = min(picture.width, picture.height * 4 // 3)
    height = min(picture.height, picture.width * 3 // 4)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    middle = picture.crop((left, top, left + width, top + height))
    grid = encoder.encode([family.preprocess(np.asarray(middle))])
    assert grid.shape == (1, family.grid, family.grid, family.channels)
    assert grid.dtype == np.float16
    weights = encoder_weights()
    mean = grid.astype(np.float32).mean((0, 1, 2))
    logits = weights["_fc.weight"].numpy() @ mean + weights["_fc.bias"].numpy()
    share = np.exp(logits - logits.max())
    assert int(logits.argmax()) == entry.measured.label
    assert share.max() / share.sum() == pytest.approx(entry.measured.probability, abs=0.03)


def test_a_batch_gives_what_each_frame_gives(encoder: DemoEncoder) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (256, 256, 3)).astype(np.uint8) for _ in range(3)]
    together = encoder.encode(frames)
    for number, frame in enumerate(frames):
        alone = encoder.encode([frame])[0].astype(np.float32)
        np.testing.assert_allclose(together[number].astype(np.float32), alone, atol=0.02)


@pytest.mark.parametrize("count", [1, 3])
def test_the_compiled_graph_gives_what_the_network_gives(encoder: DemoEncoder, count: int) -> None:
    network = EncoderNetwork()
    frames = np.random.default_rng(1).integers(0, 256, (count, 256, 256, 3)).astype(np.uint8)
    scaled = (torch.from_numpy(frames).permute(0, 3, 1, 2).float() - 127.0) / 128.0
    with torch.inference_mode():
        wanted = network.network.extract_features(scaled).permute(0, 2, 3, 1).numpy()
    found = encoder.encode(list(frames)).astype(np.float32)
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-3)  # float16's own steps, nearly


def test_several_threads_may_encode(encoder: DemoEncoder) -> None:
    frames = np.random.default_rng(3).integers(0, 256, (12, 256, 256, 3)).astype(np.uint8)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda frame: encoder.encode([frame])[0], frames))
    for grid, frame in zip(found, frames, strict=True):
        np.testing.assert_array_equal(grid, encoder.encode([frame])[0])


def test_the_way_of_other_devices_gives_the_same(encoder: DemoEncoder) -> None:
    frames = np.random.default_rng(2).integers(0, 256, (2, 256, 256, 3)).astype(np.uint8)
    found = placed_on(EncoderNetwork(), "cpu")(frames)
    assert found.dtype == np.float16
    np.testing.assert_allclose(
        found.astype(np.float32),
        encoder.encode(list(frames)).astype(np.float32),
        rtol=2e-3,
        atol=2e-3,
    )


def test_a_conversion_reports_nothing_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """`openvino.convert_model` would, where the package that sends is installed."""
    sent = []
    monkeypatch.setattr(
        Telemetry, "send_event", lambda _self, *event, **_options: sent.append(event)
    )
    DemoEncoder("cpu", 256)
    assert not sent
    openvino.convert_model(nn.Identity(), example_input=torch.zeros(1))
    assert sent  # so that the above would have seen it


def test_other_shapes_are_refused(encoder: DemoEncoder) -> None:
    with pytest.raises(MemoryShapeError, match="256"):
        encoder.encode([np.zeros((224, 224, 3), np.uint8)])
