import io

import numpy as np
import pytest
from PIL import Image

from flashstream.video.picture import thumbnail

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
