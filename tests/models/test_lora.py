import torch
from torch import nn

from flashstream.models.demo.lora import adapt, merge


def test_merged_weights_do_what_the_adapted_layers_do() -> None:
    layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Sequential(nn.Linear(8, 4)))
    weights = {f"model.{name}": tensor.clone() for name, tensor in layers.state_dict().items()}
    plain = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Sequential(nn.Linear(8, 4)))
    x = torch.randn(5, 6)
    before = layers(x)
    adapters = adapt(layers, rank=2, seed=1)
    torch.testing.assert_close(layers(x), before)
    with torch.no_grad():
        for adapter in adapters.values():
            adapter.b.normal_()
    lora = {}
    for name, adapter in adapters.items():
        lora[f"{name}.a"], lora[f"{name}.b"] = adapter.a.detach(), adapter.b.detach()
    merge(weights, lora, "model.")
    plain.load_state_dict({k.removeprefix("model."): v for k, v in weights.items()})
    assert not torch.allclose(layers(x), before)
    torch.testing.assert_close(plain(x), layers(x))


def test_only_the_adapters_learn() -> None:
    layers = nn.Sequential(nn.Linear(6, 8))
    adapt(layers, rank=2, seed=1)
    learning = {name for name, p in layers.named_parameters() if p.requires_grad}
    assert learning == {"0.a", "0.b"}
