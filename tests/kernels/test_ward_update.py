"""One frame into the memories of many streams."""

from collections.abc import Callable, Iterator
from dataclasses import fields

import numpy as np
import pytest
import torch

from flashstream.kernels.ward_update import WardState, WardStep, reference, ward_update
from flashstream.memory_store.ward import WardClusters
from flashstream.memory_store.weighing import PAPERS, Weighing

FLOATS = (torch.float32, torch.float16, torch.bfloat16)
Case = tuple[torch.Tensor, torch.Tensor]


def frames_of(
    count: int, streams: int, width: int, *, seed: int = 0, coarse: bool = False
) -> Iterator[Case]:
    """Frames float32[S, W] and their times; coarse ones repeat, so that costs tie."""
    dice = np.random.default_rng(seed)
    for number in range(count):
        if coarse:
            frames = np.repeat(dice.integers(0, 4, (streams, 1)) * 1.0, width, axis=1)
        else:
            frames = dice.normal(size=(streams, width)) * 2 + dice.integers(0, 3, (streams, 1))
        times = 1e9 + number * 0.5 + np.arange(streams)
        yield torch.from_numpy(frames.astype(np.float32)), torch.from_numpy(times)


def equal(one: WardStep, other: WardStep) -> bool:
    return all(torch.equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(WardStep))


def assert_same(one: WardState, other: WardState) -> None:
    """Equal to the bit, but for the distances, which are summed in another order."""
    for field in fields(WardState):
        got, wanted = getattr(one, field.name), getattr(other, field.name)
        if field.name == "squared":
            # Distances of 0 and next to it are rounding errors of the merged mean.
            torch.testing.assert_close(got, wanted, rtol=2e-5, atol=1e-5)
        else:
            assert torch.equal(got, wanted), field.name


@pytest.mark.parametrize("weighing", [PAPERS, Weighing(0.6, 16.0), Weighing(1.0, 3.0, 4.0)])
@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize(("slots", "patches", "channels"), [(7, 5, 11), (1, 1, 3), (2, 3, 1)])
def test_the_reference_does_what_the_memory_does(
    slots: int, patches: int, channels: int, coarse: bool, weighing: Weighing
) -> None:
    """Also to the last bit of centroids and carries: a memory can go from one to the other."""
    streams, width = 3, patches * channels
    memories = [WardClusters(slots, patches, channels, weighing) for _ in range(streams)]
    state = WardState.empty(streams, slots, width)
    for frames, times in frames_of(60, streams, width, coarse=coarse):
        step = reference.ward_update(state, frames, times, weighing)
        for at, memory in enumerate(memories):
            wanted = memory.add(frames[at].numpy(), float(times[at]))
            assert int(step.home[at]) == wanted.home
            assert int(step.merged[at]) == (-1 if wanted.merged is None else wanted.merged)
            assert tuple(step.pair[at].tolist()) == (wanted.pair or (-1, -1))
    for at, memory in enumerate(memories):
        used = int(state.used[at])
        assert state.weights[at, :used].tolist() == memory.weights[:used].tolist()
        rows = [memory.state(row) for row in range(used)]
        assert np.array_equal(state.centroids[at, :used], [row.centroid for row in rows])
        assert np.array_equal(state.carries[at, :used], [row.carry for row in rows])
        for name in ("first_s", "mean_s", "last_s"):
            np.testing.assert_allclose(
                getattr(state, name)[at, :used].numpy(), getattr(memory, name)[:used], rtol=1e-15
            )


@pytest.mark.parametrize(
    "weighing", [PAPERS, Weighing(0.6, 16.0), Weighing(0.0, 2.0), Weighing(1.0, 3.0, 4.0)]
)
def test_the_pair_is_the_cheapest_of_all(device: torch.device, weighing: Weighing) -> None:
    """By brute force over all pairs, in float64, from the state before the frame."""
    streams, slots, width = 2, 6, 9
    state = WardState.empty(streams, slots, width, device)
    for frames, times in frames_of(16, streams, width, seed=1):
        before = state.clone()
        step = ward_update(state, frames.to(device), times.to(device), weighing)
        for at in range(streams):
            if int(before.used[at]) < slots:
                continue
            points = torch.cat([before.centroids[at].cpu(), frames[at : at + 1]]).double()
            kept = before.weights[at].cpu().double().clamp(max=weighing.saturation)
            weights = torch.cat([kept, torch.tensor([weighing.foresight])]) ** weighing.temper
            costs = {
                (i, j): float(
                    weights[i]
                    * weights[j]
                    / (weights[i] + weights[j])
                    * ((points[i] - points[j]) ** 2).sum()
                )
                for i in range(slots + 1)
                for j in range(i + 1, slots + 1)
            }
            assert tuple(step.pair[at].tolist()) == min(costs, key=lambda pair: costs[pair])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("streams", "slots", "width", "count", "weighing"),
    [
        (3, 5, 53, 10, PAPERS),
        (1, 1, 1, 4, PAPERS),
        (2, 2, 129, 9, Weighing(0.5, 16.0)),
        (1, 37, 33, 40, Weighing(1.0, 16.0, 2.0)),
        (1, 2, 4133, 4, PAPERS),  # three slices
    ],
)
def test_triton_and_the_reference_keep_the_same_memories(
    device: torch.device,
    streams: int,
    slots: int,
    width: int,
    count: int,
    weighing: Weighing,
    dtype: torch.dtype,
) -> None:
    ours = WardState.empty(streams, slots, width, device)
    wanted = ours.clone()
    cases = [(f.to(device, dtype), t.to(device)) for f, t in frames_of(count, streams, width)]
    while len(cases) > 10:  # how free rows are filled, the smaller sizes show
        for state in (ours, wanted):
            reference.ward_update(state, *cases[0], weighing)
        del cases[0]
    for frames, times in cases:
        step = ward_update(ours, frames, times, weighing)
        assert equal(step, reference.ward_update(wanted, frames, times, weighing))
        assert_same(ours, wanted)
    assert (ours.weights.sum(1) == count).all()


def test_ties_go_to_the_lowest_rows(device: torch.device) -> None:
    """Frames of few values, so that most pairs cost nothing: in Triton as in the reference."""
    ours = WardState.empty(2, 11, 5, device)
    cases = [(f.to(device), t.to(device)) for f, t in frames_of(26, 2, 5, seed=3, coarse=True)]
    for case in cases[:11]:
        reference.ward_update(ours, *case)
    wanted = ours.clone()
    for case in cases[11:]:
        assert equal(ward_update(ours, *case), reference.ward_update(wanted, *case))
    assert_same(ours, wanted)
    # Where all rows are the same, the first two of them, and the frame only after all others.
    ours.squared.masked_fill_(ours.squared.isfinite(), 0.0)
    ours.centroids.zero_()
    ours.weights.fill_(1)
    step = ward_update(ours, torch.zeros((2, 5), device=device), cases[0][1])
    assert step.pair.tolist() == [[0, 1], [0, 1]]


def test_slots_that_merge_bring_their_carries(device: torch.device) -> None:
    """Three frames of each of ever larger magnitudes: soon two slots merge, each of several."""
    ours = WardState.empty(1, 3, 23, device)
    wanted = ours.clone()
    carried = 0
    for number, (frames, times) in enumerate(frames_of(24, 1, 23, seed=8)):
        frames = (frames / 4 + 1) * 5.0 ** (number // 3)
        frames, times = frames.to(device), times.to(device)
        before = ours.clone()
        step = ward_update(ours, frames, times)
        assert equal(step, reference.ward_update(wanted, frames, times))
        assert_same(ours, wanted)
        home = int(step.home[0])
        carried += home != int(step.merged[0]) and bool(before.carries[0, home].any())
    assert carried > 3


def test_the_heavier_slot_keeps_its_row(device: torch.device) -> None:
    state = WardState.empty(1, 3, 1, device)
    for number, value in enumerate([0.0, 10.0, 50.0, 10.0, 10.0, 10.5, 90.0]):
        frame = torch.tensor([[value]], device=device)
        time = torch.tensor([float(number)], dtype=torch.float64, device=device)
        step = ward_update(state, frame, time)
    # Rows weighed 1, 4 (10, 10, 10, 10.5) and 1 before 90 came: the lower of the pair was lighter.
    assert step.pair.tolist() == [[0, 1]]
    assert (step.merged.item(), step.home.item()) == (1, 0)
    assert state.weights.tolist() == [[1, 5, 1]]
    assert state.centroids.flatten().tolist() == pytest.approx([90.0, 8.1, 50.0])
    assert state.first_s.tolist() == [[6.0, 0.0, 2.0]]
    assert state.mean_s[0].tolist() == pytest.approx([6.0, (0 + 1 + 3 + 4 + 5) / 5, 2.0])
    assert state.last_s.tolist() == [[6.0, 5.0, 2.0]]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("path", ["triton", "reference"])
@pytest.mark.parametrize("filled", [1, 5])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30, "time"])
def test_a_bad_frame_is_refused_and_the_others_go_on(
    device: torch.device,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    filled: int,
    bad: float | str,
) -> None:
    if path == "reference":
        monkeypatch.setattr("flashstream.kernels.ward_update.takes_triton", lambda _: False)
    state = WardState.empty(2, 3, 21, device)
    cases = list(frames_of(filled + 1, 2, 21, seed=4))
    for frames, times in cases[:-1]:
        ward_update(state, frames.to(device), times.to(device))
    before = state.clone()
    frames, times = cases[-1]
    if isinstance(bad, str):
        times[0] = float("nan")
    else:
        frames[0, 17] = bad
    step = ward_update(state, frames.to(device), times.to(device))
    assert (step.home[0].item(), step.merged[0].item()) == (-1, -1)
    assert step.pair[0].tolist() == [-1, -1]
    assert step.home[1].item() >= 0
    for field in fields(WardState):
        got, old = getattr(state, field.name), getattr(before, field.name)
        assert torch.equal(got[0], old[0]), field.name
        assert got[1].isnan().logical_not().all(), field.name
    assert state.weights[1].sum().item() == filled + 1


def test_a_memory_does_not_depend_on_the_others_in_the_batch(device: torch.device) -> None:
    together, alone = WardState.empty(4, 4, 301, device), WardState.empty(1, 4, 301, device)
    for frames, times in frames_of(9, 4, 301, seed=5):
        frames, times = frames.to(device), times.to(device)
        ward_update(together, frames, times)
        ward_update(alone, frames[2:3], times[2:3])
    for field in fields(WardState):
        assert torch.equal(getattr(together, field.name)[2:3], getattr(alone, field.name))


@pytest.mark.parametrize("path", ["triton", "reference"])
def test_a_heavy_slot_does_not_stand_still(
    device: torch.device, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A share of 10⁻⁷ is below a float32's last bit: the carry adds them up."""
    if path == "reference":
        monkeypatch.setattr("flashstream.kernels.ward_update.takes_triton", lambda _: False)
    state = WardState.empty(1, 1, 3, device)
    time = torch.zeros(1, dtype=torch.float64, device=device)
    ward_update(state, torch.ones((1, 3), device=device), time)
    state.weights.fill_(10_000_000)
    frame = torch.tensor([[1.25, 1.5, 1.0]], device=device)
    mean = torch.ones(3, dtype=torch.float64)
    for number in range(24):
        ward_update(state, frame, time)
        mean += (frame[0].cpu().double() - mean) / (10_000_001 + number)
    lost = reference.widened(state.carries[0, 0], state.centroids[0, 0])
    exactly = state.centroids[0, 0].double() + lost.double()
    np.testing.assert_allclose((exactly.cpu() - 1).numpy(), (mean - 1).numpy(), rtol=2e-4)
    assert mean[0] > 1.0000005


def test_frames_far_apart_are_found(
    device: torch.device, far_rows: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    near, far = WardState.empty(3, 2, 19, device), WardState.empty(3, 2, 19, device)
    for frames, times in frames_of(4, 3, 19, seed=6):
        frames, times = frames.to(device, torch.float16), times.to(device)
        ward_update(near, frames, times)
        ward_update(far, far_rows(frames), times)
    for field in fields(WardState):
        assert torch.equal(getattr(near, field.name), getattr(far, field.name)), field.name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="two million streams need a GPU")
def test_the_last_of_two_million_streams_is_found(device: torch.device) -> None:
    """Its centroids begin beyond 2³¹ numbers."""
    streams, slots, width = 2**21 + 3, 8, 128
    if torch.cuda.mem_get_info()[0] < 32 * 2**30:
        pytest.skip("needs 32 GiB of free GPU memory")
    state = WardState.empty(streams, slots, width, device)
    last = WardState.empty(1, slots, width, device)
    for frames, times in frames_of(12, 1, width, seed=7):
        frames, times = frames.to(device), times.to(device)
        ward_update(last, frames, times)
        ward_update(state, frames.expand(streams, -1), times.expand(streams))
    for field in fields(WardState):
        for at in (0, streams - 1):
            assert torch.equal(getattr(state, field.name)[at], getattr(last, field.name)[0])
