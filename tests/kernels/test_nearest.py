"""The nearest candidates of each slot."""

from collections.abc import Callable

import pytest
import torch

from flashstream.kernels.nearest import nearest, reference

FLOATS = (torch.float32, torch.float16, torch.bfloat16)


@pytest.fixture(autouse=True, params=["triton", "reference"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of computing keep the contract."""
    if request.param == "reference":
        monkeypatch.setattr("flashstream.kernels.nearest.takes_triton", lambda _: False)
    return str(request.param)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("streams", "slots", "many", "width", "best"),
    [(1, 1, 1, 1, 1), (2, 3, 5, 67, 2), (1, 2, 7, 1030, 7), (3, 1, 4, 512, 3)],
)
def test_triton_and_the_reference_choose_the_same(
    device: torch.device,
    streams: int,
    slots: int,
    many: int,
    width: int,
    best: int,
    dtype: torch.dtype,
) -> None:
    torch.manual_seed(many)
    candidates = torch.randn(streams, slots, many, width).to(device, dtype)
    valid = (torch.rand(streams, slots, many) > 0.3).to(device)
    candidates[~valid] = torch.nan  # never read
    centroids = torch.randn(streams, slots, width).to(device)
    indices, distances = nearest(candidates, valid, centroids, best)
    wanted, wanted_distances = reference.nearest(candidates, valid, centroids, best)
    assert indices.dtype == torch.int32
    assert torch.equal(indices, wanted)
    torch.testing.assert_close(distances, wanted_distances, rtol=1e-5, atol=0)


def test_nearest_first_and_the_rest_missing(device: torch.device) -> None:
    candidates = torch.tensor([[[[3.0, 0.0], [1.0, 0.0], [9.0, 9.0], [0.0, 2.0]]]], device=device)
    valid = torch.tensor([[[True, True, False, True]]], device=device)
    indices, distances = nearest(candidates, valid, torch.zeros((1, 1, 2), device=device), 4)
    assert indices.tolist() == [[[1, 3, 0, -1]]]
    assert distances.tolist() == [[[1.0, 4.0, 9.0, float("inf")]]]


def test_on_a_tie_the_older_comes_first(device: torch.device) -> None:
    candidates = torch.tensor([[[[2.0], [-1.0], [1.0], [-2.0], [1.0]]]], device=device)
    valid = torch.ones((1, 1, 5), dtype=torch.bool, device=device)
    indices, _ = nearest(candidates, valid, torch.zeros((1, 1, 1), device=device), 5)
    assert indices.tolist() == [[[1, 2, 4, 0, 3]]]


def test_small_distances_between_large_vectors_keep_their_digits(device: torch.device) -> None:
    """‖a‖² − 2a·b + ‖b‖² would give 0 or 64 for distances of 0.0625 here."""
    centroids = torch.full((1, 1, 64), 4096.0, device=device)
    candidates = centroids[:, :, None].repeat(1, 1, 3, 1)
    candidates[0, 0, 0, 7] += 0.5
    candidates[0, 0, 1, 7] += 0.25
    candidates[0, 0, 2, 7] += 0.75
    valid = torch.ones((1, 1, 3), dtype=torch.bool, device=device)
    indices, distances = nearest(candidates, valid, centroids, 3)
    assert indices.tolist() == [[[1, 0, 2]]]
    assert distances.tolist() == [[[0.0625, 0.25, 0.5625]]]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_a_distance_that_is_not_finite_comes_last_but_before_none(device: torch.device) -> None:
    candidates = torch.tensor([[[[0.0], [float("nan")], [1e30], [2.0], [1.0]]]], device=device)
    valid = torch.tensor([[[False, True, True, True, True]]], device=device)
    indices, distances = nearest(candidates, valid, torch.zeros((1, 1, 1), device=device), 5)
    assert indices.tolist() == [[[4, 3, 1, 2, -1]]]
    assert distances[0, 0, 2:].isinf().all()


def test_candidates_far_apart_are_found(
    device: torch.device, far_rows: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    """Along each of the three axes in turn."""
    near = torch.tensor([[5, 5, 5], [4, 4, 4], [1, 2, 3]], dtype=torch.float16, device=device)
    far = far_rows(near)
    for shape in ((3, 1, 1), (1, 3, 1), (1, 1, 3)):
        valid = torch.ones(shape, dtype=torch.bool, device=device)
        centroids = torch.ones((*shape[:2], 3), device=device)
        candidates = far.as_strided((*shape, 3), (2**30, 2**30, 2**30, 1), far.storage_offset())
        indices, distances = nearest(candidates, valid, centroids, shape[2])
        wanted, wanted_distances = nearest(candidates.contiguous(), valid, centroids, shape[2])
        assert torch.equal(indices, wanted)
        assert torch.equal(distances, wanted_distances)
        assert sorted(distances.flatten().tolist()) == [5.0, 27.0, 48.0]


def test_numbers_need_not_lie_together(device: torch.device) -> None:
    candidates = torch.randn(2, 3, 9, 4).to(device).transpose(2, 3)
    valid = torch.ones((2, 3, 4), dtype=torch.bool, device=device)
    centroids = torch.randn(2, 9, 3).to(device).transpose(1, 2)
    indices, _ = nearest(candidates, valid, centroids, 2)
    packed = nearest(candidates.contiguous(), valid, centroids.contiguous(), 2)
    assert torch.equal(indices, packed[0])


def test_no_streams_are_no_work(device: torch.device) -> None:
    valid = torch.ones((0, 2, 3), dtype=torch.bool, device=device)
    indices, distances = nearest(
        torch.zeros((0, 2, 3, 4), device=device), valid, torch.zeros((0, 2, 4), device=device), 1
    )
    assert indices.shape == distances.shape == (0, 2, 1)
