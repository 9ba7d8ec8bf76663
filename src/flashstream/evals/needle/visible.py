"""Whether an entry of a memory shows the event: a matched filter.

Frames, means of frames and centroids alike are mixtures of frames, so an entry is

    still + Σ_m a_m·mode_m + x·event + noise,

and x is the share of the event in it: 1 for a frame of the event, 0 for any other, and for a
centroid the share of the event's frames among those merged into it. x is found by least squares
with the background's own modes beside the event, so that the light of another hour, or a scene that
happens to be there, is not taken for the event. An entry shows the event if x ≥ ½.
"""

import numpy as np
from numpy.typing import NDArray

from flashstream.evals.needle.stream import NeedleStream
from flashstream.memory_store.pooling import pool

VISIBLE = 0.5


class EventFilter:
    """The event's share in entries of one grid, for events of strength 1 (see `shares`)."""

    def __init__(self, stream: NeedleStream, grid: int) -> None:
        self._still = pool(stream.still, grid).reshape(-1)
        known = [pool(mode, grid).reshape(-1) for mode in (*stream.modes, stream.needle)]
        self._row = np.linalg.pinv(np.stack(known, axis=1).astype(np.float64))[-1]

    def shares(
        self, entries: NDArray[np.float16] | NDArray[np.float32], strength: float
    ) -> NDArray[np.float64]:
        """float[N, g·g·D] or [N, g, g, D] → float64[N], the share x of an event of `strength`."""
        flat = entries.reshape(len(entries), -1).astype(np.float64)
        found: NDArray[np.float64] = (flat - self._still) @ self._row / strength
        return found
