"""Whether a memory that went through a store is as near to the one before as it has to be."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashstream.memory_store.codec import FEATURE_ERROR, LAG
from flashstream.memory_store.state import MemoryState


def off(array: NDArray[Any], true: NDArray[Any]) -> float:
    """‖array − true‖₂ as a share of ‖true‖₂."""
    exact = true.astype(np.float64)
    length = float(np.sqrt(np.square(exact).sum()))
    error = float(np.sqrt(np.square(array.astype(np.float64) - exact).sum()))
    return error / length if length else error


def assert_alike(restored: MemoryState, true: MemoryState) -> None:
    """Facts are equal, but for the epoch; what is large is within the codec's bounds."""
    assert replace(restored.header, epoch=0) == replace(true.header, epoch=0)
    # Bounds hold of the numbers as they are; sums of squares are rounded.
    lag, feature = LAG * 1.0001, FEATURE_ERROR * 1.0001
    for one, other in zip(restored.slots, true.slots, strict=True):
        for name in ("id", "weight", "first_s", "mean_s", "last_s"):
            assert getattr(one.cluster, name) == getattr(other.cluster, name)
        assert off(one.cluster.centroid, other.cluster.centroid) <= lag
        for frame, same in zip(one.candidates, other.candidates, strict=True):
            for name in ("frame", "time_s", "distance", "thumbnail", "picture"):
                assert getattr(frame, name) == getattr(same, name)
            assert off(frame.features, same.features) <= feature
            assert off(frame.point, same.point) <= feature
    assert restored.abstract.shape == true.abstract.shape
    for row, true_row in zip(restored.abstract, true.abstract, strict=True):
        assert off(row, true_row) <= lag
    for newest, true_newest in zip(restored.spatial, true.spatial, strict=True):
        assert newest.time_s == true_newest.time_s
        assert off(newest.features, true_newest.features) <= feature


def exactly(state: MemoryState) -> dict[str, Any]:
    """All of a state by the names of its records: equal to the last bit, or not equal."""
    parts: dict[str, Any] = {"meta": state.header}
    for slot in state.slots:
        cluster = slot.cluster
        times = (cluster.first_s, cluster.mean_s, cluster.last_s)
        kept = [(frame.frame, frame.distance) for frame in slot.candidates]
        arrays = (cluster.centroid.tobytes(), cluster.carry.tobytes())
        parts[f"slot:{cluster.id}"] = (cluster.weight, times, kept, arrays)
        for frame in slot.candidates:
            arrays = (frame.features.tobytes(), frame.point.tobytes())
            content = (frame.time_s, frame.picture, frame.thumbnail, arrays)
            parts[f"frame:{frame.frame}"] = content
    for number, row in enumerate(state.abstract):
        parts[f"abstract:{number}"] = row.tobytes()
    if state.header.kind == "star":
        parts["spatial"] = [(frame.time_s, frame.features.tobytes()) for frame in state.spatial]
    return parts
