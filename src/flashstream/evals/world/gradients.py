"""Where on a gradient each point lies: 0 at its beginning, 1 at its end, beyond them outside."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def along_line(paint: Any, x: Floats, y: Floats) -> Floats:
    """Where a point lies from p0 to p1, measured across the direction from p0 to p2."""
    dx, dy = paint.x1 - paint.x0, paint.y1 - paint.y0
    px, py = paint.y2 - paint.y0, paint.x0 - paint.x2  # normal to p0 → p2
    across = dx * px + dy * py
    if across == 0:
        return np.zeros_like(x)
    out: Floats = ((x - paint.x0) * px + (y - paint.y0) * py) / across
    return out


def between_circles(paint: Any, x: Floats, y: Floats) -> Floats:
    """The largest t whose circle, from the first (t = 0) to the second (t = 1), meets the point."""
    cx, cy, dr = paint.x1 - paint.x0, paint.y1 - paint.y0, paint.r1 - paint.r0
    px, py = x - paint.x0, y - paint.y0
    a = cx * cx + cy * cy - dr * dr
    b = px * cx + py * cy + paint.r0 * dr
    c = px * px + py * py - paint.r0**2
    if a == 0:
        out: Floats = c / (2 * np.where(b == 0, 1e-6, b))
        return out
    root = np.sqrt(np.maximum(0, b * b - a * c))
    ends = np.stack([(b - root) / a, (b + root) / a])
    low, high = ends.min(0), ends.max(0)
    return np.where(paint.r0 + high * dr >= 0, high, low)
