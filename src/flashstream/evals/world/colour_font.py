"""Pictures out of colour fonts (OpenType COLR version 1), which Pillow cannot draw.

What the emoji fonts here use is drawn: layers, solid fills, linear and radial gradients,
transforms and masks (PaintComposite SRC_IN and SRC_OVER).
"""

from collections.abc import Callable
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from fontTools.misc.transform import Transform
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.otTables import CompositeMode, ExtendMode, PaintFormat
from numpy.typing import NDArray

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.gradients import along_line, between_circles
from flashstream.evals.world.outlines import mask

Floats = NDArray[np.float32]


class ColourFont:
    """One font file, opened when first used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _font(self) -> Any:
        return TTFont(BytesIO(self._path.read_bytes()), lazy=True)  # no file is left open

    @cached_property
    def _glyphs(self) -> Any:
        return self._font.getGlyphSet()

    @cached_property
    def _table(self) -> Any:
        return self._font["COLR"].table

    @cached_property
    def _paints(self) -> dict[str, Any]:
        records = self._table.BaseGlyphList.BaseGlyphPaintRecord
        return {record.BaseGlyph: record.Paint for record in records}

    @cached_property
    def _palette(self) -> Floats:
        palette = self._font["CPAL"].palettes[0]
        rows = [(each.red, each.green, each.blue, each.alpha) for each in palette]
        return np.array(rows, np.float32) / np.float32(255)

    def draw(self, character: str, size: int) -> NDArray[np.uint8]:
        """uint8[size, size, 4] (straight alpha): the character's advance box, fitted in a square.

        Raises `InvalidRequestError` if the font has no coloured picture of the character.
        """
        name = self._font.getBestCmap().get(ord(character))
        if name not in self._paints:
            raise InvalidRequestError(
                f"{self._path.name} has no coloured picture of U+{ord(character):04X}"
            )
        head = self._font["hhea"]
        advance, height = self._font["hmtx"][name][0], head.ascent - head.descent
        scale = size / max(advance, height)
        to_pixels = Transform(
            scale,
            0,
            0,
            -scale,
            (size - advance * scale) / 2,
            (size - height * scale) / 2 + head.ascent * scale,
        )
        layer = np.zeros((size, size, 4), np.float32)
        self._paint(self._paints[name], to_pixels, layer)
        alpha = layer[..., 3:]
        straight = np.divide(
            layer[..., :3], alpha, out=np.zeros_like(layer[..., :3]), where=alpha > 0
        )
        picture: NDArray[np.uint8] = np.round(np.concatenate([straight, alpha], 2) * 255).astype(
            np.uint8
        )
        return picture

    def _paint(self, paint: Any, at: Transform, layer: Floats) -> None:
        """Draw a paint over `layer`, float[S, S, 4] with premultiplied alpha."""
        kind = paint.Format
        if kind == PaintFormat.PaintColrLayers:
            for child in paint.getChildren(self._table):
                self._paint(child, at, layer)
        elif kind == PaintFormat.PaintColrGlyph:
            self._paint(self._paints[paint.Glyph], at, layer)
        elif kind == PaintFormat.PaintGlyph:
            self._fill(paint, at, layer)
        elif kind == PaintFormat.PaintComposite:
            self._composite(paint, at, layer)
        elif hasattr(paint, "Paint"):
            self._paint(paint.Paint, at.transform(paint.getTransform()), layer)
        else:
            _over(layer, self._colours(paint, at, len(layer)))

    def _fill(self, paint: Any, at: Transform, layer: Floats) -> None:
        inside = mask(self._glyphs, paint.Glyph, at, len(layer))
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        if not len(rows):
            return
        ink = np.zeros_like(layer)
        self._paint(paint.Paint, at, ink)
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        _over(layer[box], ink[box] * inside[box][..., np.newaxis])

    def _composite(self, paint: Any, at: Transform, layer: Floats) -> None:
        back, front = np.zeros_like(layer), np.zeros_like(layer)
        self._paint(paint.BackdropPaint, at, back)
        self._paint(paint.SourcePaint, at, front)
        if paint.CompositeMode == CompositeMode.SRC_IN:
            back = front * back[..., 3:]
        elif paint.CompositeMode == CompositeMode.SRC_OVER:
            _over(back, front)
        else:
            raise InvalidRequestError(
                f"{self._path.name} mixes layers as {paint.CompositeMode.name}; "
                "SRC_IN and SRC_OVER are known"
            )
        _over(layer, back)

    def _colours(self, paint: Any, at: Transform, size: int) -> Floats:
        """The premultiplied colours of a plain fill, float[S, S, 4] or float[1, 1, 4]."""
        if paint.Format == PaintFormat.PaintSolid:
            return _premultiplied(self._ink(paint)).reshape(1, 1, 4)
        places = {
            PaintFormat.PaintLinearGradient: along_line,
            PaintFormat.PaintRadialGradient: between_circles,
        }
        if paint.Format not in places:
            raise InvalidRequestError(f"{self._path.name} fills with {paint.getFormatName()}")
        inverse = at.inverse()
        x, y = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
        u = inverse.xx * x + inverse.yx * y + inverse.dx
        v = inverse.xy * x + inverse.yy * y + inverse.dy
        place: Callable[..., Floats] = places[paint.Format]
        return self._gradient(paint.ColorLine, place(paint, u, v))

    def _gradient(self, line: Any, place: Floats) -> Floats:
        stops = sorted(line.ColorStop, key=lambda stop: float(stop.StopOffset))
        offsets = np.array([stop.StopOffset for stop in stops], np.float32)
        colours = _premultiplied(np.stack([self._ink(stop) for stop in stops]))
        first, span = offsets[0], max(1e-6, float(offsets[-1] - offsets[0]))
        if line.Extend == ExtendMode.REPEAT:
            place = first + np.mod(place - first, span)
        elif line.Extend == ExtendMode.REFLECT:
            place = first + span - np.abs(np.mod(place - first, 2 * span) - span)
        channels = [np.interp(place, offsets, colours[:, channel]) for channel in range(4)]
        return np.stack(channels, axis=-1).astype(np.float32)

    def _ink(self, paint: Any) -> Floats:
        ink: Floats = self._palette[paint.PaletteIndex].copy()
        ink[3] *= paint.Alpha
        return ink


def _premultiplied(colours: Floats) -> Floats:
    out = colours.copy()
    out[..., :3] *= out[..., 3:]
    return out


def _over(back: Floats, front: Floats) -> None:
    back *= 1 - front[..., 3:]
    back += front
