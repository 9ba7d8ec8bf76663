"""Frames to patches at two resolutions."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from flashstream.kernels.patchify import PatchLayout, patchify, reference

FLOATS = (torch.float32, torch.float16, torch.bfloat16)
MEAN, STD = (0.481, 0.458, 0.408), (0.269, 0.261, 0.276)
# Of values below 3. The interpreter cuts a bfloat16 off where a GPU rounds it.
LIMIT = {torch.float32: 2e-6, torch.float16: 2.0**-9, torch.bfloat16: 2.0**-6}


@pytest.fixture(autouse=True, params=["triton", "reference"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of computing keep the contract."""
    if request.param == "reference":
        monkeypatch.setattr("flashstream.kernels.patchify.takes_triton", lambda _: False)
    return str(request.param)


def pixels(device: torch.device, *shape: int) -> torch.Tensor:
    torch.manual_seed(3)
    return torch.randint(0, 256, shape, dtype=torch.uint8).to(device)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("patch", "frames", "merge", "high", "wide"),
    [(1, 1, 1, 1, 1), (3, 1, 1, 2, 5), (5, 3, 2, 1, 3), (14, 2, 2, 2, 1), (7, 1, 3, 1, 1)],
)
def test_triton_and_the_reference_agree(
    device: torch.device,
    patch: int,
    frames: int,
    merge: int,
    high: int,
    wide: int,
    dtype: torch.dtype,
) -> None:
    layout = PatchLayout(patch, MEAN, STD, frames, merge)
    unit = 2 * patch * merge
    seen = pixels(device, 2 * frames, high * unit, wide * unit, 3)
    for got, wanted in zip(
        patchify(seen, layout, dtype), reference.patchify(seen, layout, dtype), strict=True
    ):
        assert got.dtype == dtype
        torch.testing.assert_close(got, wanted, rtol=0, atol=LIMIT[dtype])


@pytest.mark.parametrize("frames", [1, 2])
def test_a_product_with_the_convolution_s_weight_is_the_convolution(
    device: torch.device, frames: int
) -> None:
    """Two-dimensional as a ViT's; three-dimensional as Qwen2-VL's."""
    p = 7
    seen = pixels(device, 2 * frames, 4 * p, 6 * p, 3)
    full, half = patchify(seen, PatchLayout(p, MEAN, STD, frames))
    weight = torch.randn(11, 3, frames, p, p).to(device) / p
    image = seen.double() / 255
    image = (image - image.new_tensor(MEAN)) / image.new_tensor(STD)
    video = image.reshape(2, frames, 4 * p, 6 * p, 3).permute(0, 4, 1, 2, 3)
    for patches, picture in ((full, video), (half, F.avg_pool3d(video, (1, 2, 2)))):
        wanted = F.conv3d(picture, weight.double(), stride=(frames, p, p)).flatten(2).mT
        got = patches.double() @ weight.double().flatten(1).T
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-4)


def test_merged_patches_come_block_by_block(device: torch.device) -> None:
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(8), indexing="ij")
    seen = (rows * 8 + columns).to(torch.uint8)[None, :, :, None].repeat(1, 1, 1, 3).to(device)
    layout = PatchLayout(1, (0.0,) * 3, (1 / 255,) * 3, merge=2)
    full, half = patchify(seen, layout)
    assert full[0, :10, 0].round().tolist() == [0, 1, 8, 9, 2, 3, 10, 11, 4, 5]
    assert full[0, 16:20, 0].round().tolist() == [16, 17, 24, 25]
    assert half[0, :, 0].tolist() == pytest.approx([4.5, 6.5, 20.5, 22.5, 8.5, 10.5, 24.5, 26.5])


def test_a_part_of_a_larger_picture_is_taken_as_it_lies(device: torch.device) -> None:
    whole = pixels(device, 4, 40, 50, 3)
    layout = PatchLayout(3, MEAN, STD, frames=2)
    part = whole[1:3, 5:17, 7:25]
    for got, wanted in zip(
        patchify(part, layout), patchify(part.contiguous(), layout), strict=True
    ):
        assert torch.equal(got, wanted)
    channels_first = whole[:2, :12, :18].permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert torch.equal(
        patchify(channels_first, layout)[0], patchify(whole[:2, :12, :18], layout)[0]
    )


def test_frames_far_apart_are_found(
    device: torch.device, far_rows: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    near = pixels(device, 3, 6, 6, 3)
    for layout in (PatchLayout(3, MEAN, STD), PatchLayout(3, MEAN, STD, frames=3)):
        for got, wanted in zip(
            patchify(far_rows(near), layout), patchify(near, layout), strict=True
        ):
            assert torch.equal(got, wanted)


def test_no_frames_are_no_work(device: torch.device) -> None:
    full, half = patchify(pixels(device, 0, 4, 4, 3), PatchLayout(1, MEAN, STD))
    assert full.shape == (0, 16, 3)
    assert half.shape == (0, 4, 3)
