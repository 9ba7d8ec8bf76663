"""The outlines of glyphs, filled: how much of each pixel is inside."""

from typing import Any, Final

import numpy as np
from fontTools.misc.transform import Identity, Transform
from fontTools.pens.basePen import BasePen
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.float32]
Point = tuple[float, float]

_FINER: Final = 4  # masks are drawn this much larger, for smooth edges
_CURVE_STEPS: Final = 6


class _Outline(BasePen):  # type: ignore[misc]
    """Contours as polygons in pixels of the finer mask."""

    def __init__(self, glyphs: Any, at: Transform) -> None:
        super().__init__(glyphs)
        self._at = at
        self.contours: list[list[Point]] = []

    def _add(self, point: Point) -> None:
        self.contours[-1].append(self._at.transformPoint(point))

    def _moveTo(self, pt: Point) -> None:  # noqa: N802
        self.contours.append([])
        self._add(pt)

    def _lineTo(self, pt: Point) -> None:  # noqa: N802
        self._add(pt)

    def _qCurveToOne(self, pt1: Point, pt2: Point) -> None:  # noqa: N802
        start = self._getCurrentPoint()
        for step in range(1, _CURVE_STEPS + 1):
            t = step / _CURVE_STEPS
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            self._add(
                (
                    a * start[0] + b * pt1[0] + c * pt2[0],
                    a * start[1] + b * pt1[1] + c * pt2[1],
                )
            )


def mask(glyphs: Any, name: str, at: Transform, size: int) -> Floats:
    """How much of each pixel a glyph's outline covers (non-zero winding), float[S, S]."""
    pen = _Outline(glyphs, Identity.scale(_FINER).transform(at))
    glyphs[name].draw(pen)
    winding = np.zeros((size * _FINER, size * _FINER), np.int8)
    for contour in pen.contours:
        if len(contour) < 3:
            continue
        picture = Image.new("1", (size * _FINER, size * _FINER))
        ImageDraw.Draw(picture).polygon(contour, fill=1)
        filled = np.asarray(picture).astype(np.int8)
        winding += filled if _area(contour) > 0 else -filled
    covered = (winding != 0).reshape(size, _FINER, size, _FINER)
    out: Floats = covered.mean((1, 3), dtype=np.float32)
    return out


def _area(contour: list[Point]) -> float:
    points = np.array(contour)
    after = np.roll(points, -1, axis=0)
    return float((points[:, 0] * after[:, 1] - after[:, 0] * points[:, 1]).sum())
