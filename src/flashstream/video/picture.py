"""Small pictures out of frames, for evidence beside answers."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Bytes of a JPEG with codes of its own, of those with the usual ones: a camera picture usually has
# nine tenths; one of a single colour, which is nearly all tables, has a little more than half.
_USUALLY = 0.9
_AT_LEAST = 0.5


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
    if limit is None:
        return _jpeg(picture, quality)
    middling, coarsest = max(quality * 3 // 4, 1), max(quality // 2, 1)
    # Made fast, to tell whether any of this width can fit: most of a camera's cannot.
    loose = len(_jpeg(picture, coarsest, tight=False))
    length = loose * _USUALLY
    if loose * _AT_LEAST <= limit:
        for tried in (quality, middling, coarsest):
            jpeg = _jpeg(picture, tried)
            if (length := len(jpeg)) <= limit:
                return jpeg
    smaller = picture
    while length > limit:
        if smaller.width == 1:
            raise ValueError(f"no JPEG of this picture has at most {limit} bytes")
        # Bytes go by width^1.5, more or less: the fewer pixels, the more there is in each.
        fitting = smaller.width * (limit / length) ** (2 / 3)
        narrower = max(1, min(int(fitting), smaller.width * 9 // 10))
        smaller = _narrowed(picture, narrower, shape)
        jpeg = _jpeg(smaller, coarsest)
        length = len(jpeg)
        for better in (middling, quality):  # made smaller, noise averages out
            if length > limit or len(finer := _jpeg(smaller, better)) > limit:
                break
            jpeg = finer
    return jpeg


def shrunk(jpeg: bytes, limit: int) -> bytes | None:
    """The picture, as it is or made smaller, in at most `limit` bytes; None if that cannot be, or
    it is no picture."""
    if len(jpeg) <= limit:
        return jpeg
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        return thumbnail(rgb, rgb.shape[1], limit=limit)
    except (OSError, ValueError):
        return None


def _narrowed(picture: Image.Image, width: int, shape: float) -> Image.Image:
    """shape: height over width, of the frame; the picture's own is rounded."""
    if picture.width <= width:
        return picture
    height = max(1, round(width * shape))
    # reducing_gap shrinks by whole factors first: far less work on large frames.
    return picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _jpeg(picture: Image.Image, quality: int, *, tight: bool = True) -> bytes:
    """tight: with codes made for this picture, which takes a tenth off its bytes and three times
    as long."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=tight)
    return out.getvalue()
