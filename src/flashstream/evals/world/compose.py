"""Putting an actor into a scene."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def put(sprite: Floats, scene: Floats, left: int, top: int) -> None:
    """Draw float32[h, w, 4] (premultiplied, 0 to 1) over float32[H, W, 3] (0 to 255), in place.

    What of it is beyond the scene's edges is left out.
    """
    high, wide = sprite.shape[:2]
    height, width = scene.shape[:2]
    a, b = max(0, left), min(width, left + wide)
    c, d = max(0, top), min(height, top + high)
    if a >= b or c >= d:
        return
    part = sprite[c - top : d - top, a - left : b - left]
    there = scene[c:d, a:b]
    there *= 1 - part[..., 3:]
    there += 255 * part[..., :3]
