import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from flashstream.video.picture import shrunk, thumbnail

_COLUMNS = np.linspace(0, 255, 640, dtype=np.uint8)
FRAME = np.broadcast_to(_COLUMNS[None, :, None], (360, 640, 3))


def test_a_thumbnail_is_a_small_jpeg_of_the_same_shape_and_content() -> None:
    jpeg = thumbnail(FRAME)
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 180))
        seen = np.asarray(picture, dtype=np.int16)
    assert abs(seen[:, ::32] - FRAME[::2, ::64].astype(np.int16)).max() < 8
    assert len(jpeg) < 10_000


def test_width_and_quality_are_used_and_small_frames_not_enlarged() -> None:
    with Image.open(io.BytesIO(thumbnail(FRAME, width=64))) as picture:
        assert picture.size == (64, 36)
    with Image.open(io.BytesIO(thumbnail(FRAME[:20, :50], width=320))) as picture:
        assert picture.size == (50, 20)
    noise = np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    assert len(thumbnail(noise, quality=30)) < len(thumbnail(noise, quality=90))


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8\\[H, W, 3\\]"):
        thumbnail(np.zeros(shape, np.uint8))


def noise(height: int, width: int) -> NDArray[np.uint8]:
    """The least that a JPEG can be squeezed into."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 320), st.integers(1500, 20_000))
def test_a_limit_is_kept(height: int, width: int, wanted: int, limit: int) -> None:
    frame = noise(height, width)
    jpeg = thumbnail(frame, wanted, limit=limit)
    assert len(jpeg) <= limit
    assert jpeg == thumbnail(frame, wanted, limit=limit)
    with Image.open(io.BytesIO(jpeg)) as picture:
        picture.load()
        assert picture.width <= min(wanted, width)
        assert picture.height == pytest.approx(picture.width * height / width, abs=0.51) or (
            picture.height == 1
        )


def test_a_limit_changes_nothing_that_fits() -> None:
    whole = thumbnail(FRAME)
    assert thumbnail(FRAME, limit=len(whole)) == whole
    assert len(thumbnail(FRAME, limit=len(whole) - 1)) < len(whole)


def test_quality_goes_before_size_and_large_frames_fit_too() -> None:
    frame = noise(180, 320).repeat(6, axis=0).repeat(6, axis=1)
    sizes = []
    for limit in (60_000, 4_096):
        jpeg = thumbnail(frame, limit=limit)
        assert len(jpeg) <= limit
        with Image.open(io.BytesIO(jpeg)) as picture:
            sizes.append(picture.size)
    assert sizes[0] == (320, 180)
    assert 20 <= sizes[1][0] < 320


def test_a_limit_that_no_picture_keeps_is_refused() -> None:
    with pytest.raises(ValueError, match="has at most 100 bytes"):
        thumbnail(FRAME, limit=100)


def coarseness(jpeg: bytes) -> int:
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert isinstance(picture, JpegImageFile)
        return int(max(picture.quantization[0]))


def test_a_limit_is_used_and_quality_is_not_given_up_before_size() -> None:
    """A noisy picture at a twentieth of a byte a pixel: fewer pixels, but good ones."""
    smooth = np.linspace(0, 255, 320)[None, :, None] * np.ones((240, 1, 3))
    frame = smooth + np.random.default_rng(0).normal(0, 30, (240, 320, 3))
    jpeg = thumbnail(np.clip(frame, 0, 255).astype(np.uint8), limit=4096)
    assert 0.6 * 4096 < len(jpeg) <= 4096
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert 100 < picture.width < 320
    assert coarseness(jpeg) <= coarseness(thumbnail(FRAME, quality=40))


def test_a_jpeg_is_made_to_fit_and_left_alone_if_it_does() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    jpeg = thumbnail(noise)
    assert shrunk(jpeg, len(jpeg)) is jpeg
    smaller = shrunk(jpeg, len(jpeg) - 1)
    assert smaller is not None
    assert len(smaller) < len(jpeg)
    with Image.open(io.BytesIO(smaller)) as picture:
        assert picture.width / picture.height == pytest.approx(16 / 9, rel=0.1)
    assert shrunk(jpeg, 100) is None
    assert shrunk(b"no picture", 9) is None
