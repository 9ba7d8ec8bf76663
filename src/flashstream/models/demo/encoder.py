"""The demo encoder: EfficientNet-Lite0 without its head, at 256×256."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flashstream.errors import MemoryShapeError
from flashstream.heap import keep_freed
from flashstream.models.demo import files
from flashstream.models.demo.folding import folded


def encoder_weights() -> dict[str, Tensor]:
    """The encoder's state dict; "_fc.weight" [1000, 1280] and "_fc.bias" are its classifier."""
    weights: dict[str, Tensor] = torch.load(files.encoder_file(), weights_only=True)
    return weights


class DemoEncoder:
    """Frames to patch features on one device; see `FrameEncoder`."""

    def __init__(self, device: str, input_size: int) -> None:
        if device == "cpu":
            keep_freed()
        files.encoder_code()
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name("efficientnet-lite0")
        network.load_state_dict(encoder_weights())
        self._network: Any = folded(network).to(device)
        self._device = torch.device(device)
        self._shape = (input_size, input_size, 3)

    @torch.inference_mode()
    def encode(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """uint8[S, S, 3] each → float16[B, G, G, D]; raises `MemoryShapeError` on other shapes."""
        for frame in frames:
            if frame.shape != self._shape or frame.dtype != np.uint8:
                raise MemoryShapeError(
                    f"the encoder takes uint8{list(self._shape)}, "
                    f"not {frame.dtype}{list(frame.shape)}"
                )
        pictures = torch.from_numpy(np.stack(frames)).to(self._device)
        scaled = pictures.permute(0, 3, 1, 2).float().sub_(127.0).div_(128.0)
        grid: Tensor = self._network.extract_features(scaled)
        out: NDArray[np.float16] = grid.permute(0, 2, 3, 1).to(torch.float16).cpu().numpy()
        return np.ascontiguousarray(out)
