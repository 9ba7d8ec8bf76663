"""What a video source gives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One sampled picture of a stream.

    pts_s: presentation time in seconds since the source's first frame, monotone within a source.
    wall_s: Unix time in seconds at which the picture was (or, for a file, is taken to have been)
        seen, to the microsecond; spaced as the presentation times are, so network jitter does not
        reach the memory.
    rgb: uint8[H, W, 3].
    key: the frame was coded on its own (a key frame).
    """

    pts_s: float
    wall_s: float
    rgb: NDArray[np.uint8]
    key: bool
