"""The demo encoder: EfficientNet-Lite0 without its head, at 256×256."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from flashstream.errors import MemoryShapeError
from flashstream.models.compiled import compiled_for_cpu
from flashstream.models.demo import files

Run = Callable[[NDArray[np.uint8]], NDArray[np.float16]]


def encoder_weights() -> dict[str, Tensor]:
    """The encoder's state dict; "_fc.weight" [1000, 1280] and "_fc.bias" are its classifier."""
    weights: dict[str, Tensor] = torch.load(files.encoder_file(), weights_only=True)
    return weights


class EncoderNetwork(nn.Module):
    """Pictures to the grid before the classifier: uint8[B, S, S, 3] → float16[B, G, G, D]."""

    def __init__(self) -> None:
        super().__init__()
        files.encoder_code()
        from efficientnet_lite_pytorch import EfficientNet

        self.network: Any = EfficientNet.from_name("efficientnet-lite0")
        self.network.load_state_dict(encoder_weights())
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """Scale as the weights were trained: (x - 127) / 128."""
        scaled = (pictures.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        grid: Tensor = self.network.extract_features(scaled)
        return grid.permute(0, 2, 3, 1).to(torch.float16)


class DemoEncoder:
    """Frames to patch features on one device; see `FrameEncoder`."""

    def __init__(self, device: str, input_size: int) -> None:
        self._shape = (input_size, input_size, 3)
        network = EncoderNetwork()
        if device == "cpu":
            self._grid: Run = compiled_for_cpu(network, self._shape)
        else:
            self._grid = placed_on(network, device)

    def encode(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """uint8[S, S, 3] each → float16[B, G, G, D]; raises `MemoryShapeError` on other shapes."""
        for frame in frames:
            if frame.shape != self._shape or frame.dtype != np.uint8:
                raise MemoryShapeError(
                    f"the encoder takes uint8{list(self._shape)}, "
                    f"not {frame.dtype}{list(frame.shape)}"
                )
        return self._grid(np.stack(frames))


def placed_on(network: nn.Module, device: str) -> Run:
    """A function of a batch uint8[B, S, S, 3] that runs `network` on a torch device."""
    placed = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def run(pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
        grid: Tensor = placed(torch.from_numpy(pictures).to(device))
        return np.ascontiguousarray(grid.cpu().numpy())

    return run
