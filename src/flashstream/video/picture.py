"""Small pictures out of frames, for evidence beside answers."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def thumbnail(
    rgb: NDArray[np.uint8], width: int = 320, quality: int = 80, limit: int | None = None
) -> bytes:
    """JPEG of a frame, `width` pixels wide (never wider than the frame), of the same shape.

    rgb: uint8[H, W, 3]. quality: Pillow's, 1 to 95. Equal frames give equal bytes.
    limit: bytes that the JPEG must not exceed; a frame so full of detail that it would is written
    at lower quality, by half at most, then smaller. Raises ValueError if not even a picture of one
    pixel fits.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"a picture is uint8[H, W, 3], not {rgb.dtype}{list(rgb.shape)}")
    shape = rgb.shape[0] / rgb.shape[1]
    picture = _narrowed(Image.fromarray(np.ascontiguousarray(rgb)), width, shape)
    jpeg = _jpeg(picture, quality)
    if limit is None:
        return jpeg
    coarsest = max(quality // 2, 1)
    for tried in (max(quality * 3 // 4, 1), coarsest):
        if len(jpeg) > limit:
            jpeg = _jpeg(picture, tried)
    smaller = picture
    while len(jpeg) > limit:
        if smaller.width == 1:
            raise ValueError(f"no JPEG of this picture has at most {limit} bytes")
        fitting = smaller.width * math.sqrt(limit / len(jpeg))  # bytes go by pixels, more or less
        narrower = max(1, min(int(fitting), smaller.width * 9 // 10))
        smaller = _narrowed(picture, narrower, shape)
        jpeg = _jpeg(smaller, coarsest)
        for better in (max(quality * 3 // 4, 1), quality):  # made smaller, noise averages out
            if len(jpeg) <= limit and len(finer := _jpeg(smaller, better)) <= limit:
                jpeg = finer
    return jpeg


def _narrowed(picture: Image.Image, width: int, shape: float) -> Image.Image:
    """shape: height over width, of the frame; the picture's own is rounded."""
    if picture.width <= width:
        return picture
    height = max(1, round(width * shape))
    # reducing_gap shrinks by whole factors first: far less work on large frames.
    return picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    # Codes made for this picture take a tenth off its bytes.
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
