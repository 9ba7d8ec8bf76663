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
    frame = Image.fromarray(np.ascontiguousarray(rgb))
    width = min(width, frame.width)
    jpeg = _jpeg(frame, width, quality)
    if limit is None:
        return jpeg
    for tried in (quality * 3 // 4, quality // 2):
        if len(jpeg) > limit:
            jpeg = _jpeg(frame, width, max(tried, 1))
    while len(jpeg) > limit:
        if width == 1:
            raise ValueError(f"no JPEG of this picture has at most {limit} bytes")
        fitting = width * math.sqrt(limit / len(jpeg))  # bytes go by pixels, more or less
        width = max(1, min(int(fitting), width * 9 // 10))
        jpeg = _jpeg(frame, width, max(quality // 2, 1))
    return jpeg


def _jpeg(picture: Image.Image, width: int, quality: int) -> bytes:
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        # reducing_gap shrinks by whole factors first: far less work on large frames.
        picture = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = io.BytesIO()
    # Codes made for this picture take a tenth off its bytes.
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
