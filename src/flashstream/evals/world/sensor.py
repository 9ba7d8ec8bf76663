"""What a camera adds to what is there: noise, shake, and the traces of compression."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RGB = NDArray[np.uint8]
MARGIN = 4  # pixels that the background reaches beyond the picture, for shake
_SHEETS = 4


class Sensor:
    """Everything is drawn from the seed and the frame's number alone, whatever came before."""

    def __init__(
        self, seed: int, size: tuple[int, int], noise: float, shake: float, quality: int | None
    ) -> None:
        """size: width, height. noise: standard deviation at full gain, of 255. shake: pixels,
        at most `MARGIN`. quality: of JPEG, or None for none."""
        self._seed, self._size, self._noise, self._shake = seed, size, noise, shake
        self._quality = quality
        width, height = size
        sheets = np.random.default_rng([seed, 0]).normal(0.0, noise, (_SHEETS, height, width, 3))
        self._sheets = sheets.astype(np.float32)

    def offset(self, number: int) -> tuple[int, int]:
        """By how many pixels the camera is off at a frame, (x, y), each from -MARGIN to MARGIN."""
        drift = np.random.default_rng([self._seed, 1, number]).normal(0.0, self._shake, 2)
        x, y = np.clip(np.round(drift), -MARGIN, MARGIN).astype(int)
        return int(x), int(y)

    def expose(self, scene: NDArray[np.float32], number: int) -> RGB:
        """float32[H, W, 3] of 0 to 255, changed in place → the frame as the camera sends it."""
        rng = np.random.default_rng([self._seed, 2, number])
        sheet = self._sheets[int(rng.integers(_SHEETS))]
        # A sheet shifted at random is new noise to the eye, and to an encoder.
        down, right = (int(rng.integers(side)) for side in sheet.shape[:2])
        top = sheet.shape[0] - down
        left = sheet.shape[1] - right
        scene[:top, :left] += sheet[down:, right:]
        scene[:top, left:] += sheet[down:, :right]
        scene[top:, :left] += sheet[:down, right:]
        scene[top:, left:] += sheet[:down, :right]
        frame = np.clip(scene, 0, 255, out=scene).astype(np.uint8)
        return frame if self._quality is None else _compressed(frame, self._quality)


def _compressed(frame: RGB, quality: int) -> RGB:
    file = BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality)
    file.seek(0)
    with Image.open(file) as again:
        return np.asarray(again)
