"""What both kinds of memory do."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.likeness import exactly
from support.memories import CHANNELS, KINDS, Kind, watch

from flashstream.errors import MemoryShapeError, NoMemoryYetError
from flashstream.memory_store.flash import FlashStep
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.snapshot import MemorySnapshot


def point(features: Any) -> NDArray[np.float64]:
    """What consolidation sees of it, float64[4·6]."""
    if isinstance(features, FlashStep):
        return features.low.astype(np.float64).reshape(-1)
    blocks = features.astype(np.float64).reshape(2, 2, 2, 2, CHANNELS)
    return np.asarray(blocks.mean(axis=(1, 3)).reshape(-1), np.float64)


def arrays(snapshot: MemorySnapshot) -> list[NDArray[np.generic]]:
    values = [getattr(snapshot, name) for name in snapshot.__dataclass_fields__]
    values += [getattr(snapshot.slots, name) for name in snapshot.slots.__dataclass_fields__]
    return [value for value in values if isinstance(value, np.ndarray)]


def content(memory: StreamMemory[Any]) -> dict[str, Any]:
    return exactly(memory.view())


def test_candidates_are_the_nearest_of_those_carried_on(kind: Kind) -> None:
    """Replays the rule on all frames, slot by slot."""
    memory, seen = kind.empty(), kind.seen(80)
    kept: dict[int, list[int]] = {}  # slot id → frame numbers, nearest first

    def distance(number: int, centroid: NDArray[np.float32]) -> float:
        return float(((point(seen[number - 1]) - centroid) ** 2).sum())

    for number, features in enumerate(seen, 1):
        delta = memory.observe(features, float(number), b"jpeg %d" % number)
        slots = memory.view().slots
        for slot in slots:
            cluster = slot.cluster
            if cluster.id not in delta.slots:
                assert [c.frame for c in slot.candidates] == kept[cluster.id]
                continue
            if cluster.weight == 1:
                pool = [number]
            elif delta.slots_removed:
                (gone,) = delta.slots_removed
                pool = kept[cluster.id] + kept[gone]
            else:
                pool = [*kept[cluster.id], number]
            wanted = sorted(pool, key=lambda n: distance(n, cluster.centroid))[:2]
            got = [c.frame for c in slot.candidates]
            assert len(got) == len(wanted)
            for have, want in zip(got, wanted, strict=True):
                near = distance(have, cluster.centroid)
                assert near == pytest.approx(distance(want, cluster.centroid), abs=2e-3)
            for candidate in slot.candidates:
                assert candidate.thumbnail == b"jpeg %d" % candidate.frame
                assert candidate.time_s == candidate.frame
                true = distance(candidate.frame, cluster.centroid)
                assert candidate.distance == pytest.approx(true, abs=2e-3)
        kept = {s.cluster.id: [c.frame for c in s.candidates] for s in slots}


def test_of_equal_frames_the_older_is_kept(kind: Kind) -> None:
    memory, (features,) = kind.empty(), kind.seen(1)
    watch(memory, [features] * 20)
    kept = sorted(c.frame for slot in memory.view().slots for c in slot.candidates)
    assert kept[:2] == [1, 2]


@settings(max_examples=40)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 6),
    st.integers(1, 3),
    st.lists(st.integers(0, 9), max_size=40),
)
def test_delta_names_exactly_what_changed(
    kind: Kind, slots: int, candidates: int, order: list[int]
) -> None:
    """The order repeats frames, so that equal ones merge too."""
    memory = kind.empty(slots=slots, candidates=candidates)
    seen = kind.seen(10)
    before: dict[str, Any] = {}
    for version, choice in enumerate(order, 1):
        delta = memory.observe(seen[choice], float(version), b"jpeg %d" % version)
        now = content(memory)

        def named(prefix: str, names: set[str]) -> set[int]:
            return {int(n.removeprefix(prefix)) for n in names if n.startswith(prefix)}

        new = {name for name in now if now[name] != before.get(name)}
        gone = before.keys() - now.keys()
        assert delta.version == memory.version == version
        assert delta.slots == named("slot:", new)
        assert delta.slots_removed == named("slot:", gone)
        assert delta.frames == named("frame:", new)
        assert delta.frames_removed == named("frame:", gone)
        # These two are named at every frame, also if an equal one leaves them as they were.
        assert {f"abstract:{row}" for row in delta.abstract} == now.keys() & {
            f"abstract:{row}" for row in range(9)
        }
        assert delta.spatial == ("spatial" in now)
        assert len(delta.slots) <= 2
        assert len(delta.slots_removed) <= 1
        before = now


@settings(max_examples=40)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 9), st.integers(-3, 9)), max_size=40),
    st.integers(0, 40),
)
def test_nothing_is_lost_and_a_replay_or_a_restored_state_is_equal_to_the_bit(
    kind: Kind, slots: int, stream: list[tuple[int, int]], cut: int
) -> None:
    """K = 1, fewer frames than K, equal frames, and times that go back."""
    through, again, restored = (kind.empty(slots=slots) for _ in range(3))
    seen = kind.seen(10)
    total = np.zeros(4 * CHANNELS)
    times: list[float] = []
    for number, (choice, step) in enumerate(stream):
        if number == cut:
            restored.restore(through.state())
        time_s = 1.7e9 + number + step
        for memory in (through, again, restored) if number >= cut else (through, again):
            memory.observe(seen[choice], time_s, b"%d" % number)
        total += point(seen[choice])
        times.append(max([time_s, *times[-1:]]))
    assert content(through) == content(again)
    if not stream:
        return
    assert through.snapshot().uuid == again.snapshot().uuid
    if cut < len(stream):
        assert content(through) == content(restored)
        assert through.snapshot().uuid == restored.snapshot().uuid
    clusters = [slot.cluster for slot in through.view().slots]
    assert len(clusters) == min(slots, len(stream))
    assert sum(c.weight for c in clusters) == len(stream) == through.version
    magnitude = sum(np.abs(point(seen[choice])) for choice, _ in stream) + 1e-30
    by_weight = sum(c.weight * c.centroid.astype(np.float64) for c in clusters)
    assert np.all(np.abs(by_weight - total) <= 1e-5 * magnitude)
    mean_s = sum(c.weight * (c.mean_s - 1.7e9) for c in clusters) / len(stream)
    assert mean_s == pytest.approx(np.mean(np.array(times) - 1.7e9), abs=1e-5)
    assert min(c.first_s for c in clusters) == times[0]
    assert max(c.last_s for c in clusters) == through.as_of == times[-1]


def test_restored_state_is_a_copy(kind: Kind) -> None:
    through, restored, seen = kind.empty(), kind.empty(), kind.seen(70)
    watch(through, seen[:33])
    state = through.state()
    watch(through, seen[33:], start=33)
    restored.restore(state)
    assert restored.version == 33
    watch(restored, seen[33:], start=33)
    assert restored.snapshot().uuid == through.snapshot().uuid


def test_pictures_of_remembered_frames_are_there(kind: Kind) -> None:
    memory = kind.watched(40)
    shown = {p for pictures in memory.snapshot().slots.pictures for p in pictures}
    jpegs = {memory.picture(picture) for picture in shown}
    assert len(jpegs) == len(shown) > 4
    assert all(jpeg is not None and jpeg.startswith(b"jpeg ") for jpeg in jpegs)
    assert memory.picture("0" * 16) is None


def test_time_never_goes_back(kind: Kind) -> None:
    memory = kind.empty()
    for features, time_s in zip(kind.seen(3), (10.0, 7.0, 12.0), strict=True):
        memory.observe(features, time_s, b"")
    slots = memory.snapshot().slots
    assert slots.mean_s.tolist() == [10.0, 10.0, 12.0]


def test_snapshot_is_immutable_and_made_once_a_version(kind: Kind) -> None:
    memory, seen = kind.empty(), kind.seen(30)
    watch(memory, seen[:20])
    snapshot = memory.snapshot()
    assert memory.snapshot() is snapshot
    copies = [a.copy() for a in arrays(snapshot)]
    assert len(copies) == 10
    assert all(not a.flags.writeable for a in arrays(snapshot))
    watch(memory, seen[20:], start=20)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(snapshot), copies, strict=True))
    assert memory.snapshot().uuid != snapshot.uuid


def test_uuid_names_stream_epoch_version_and_content(kind: Kind) -> None:
    one, other = kind.empty(), kind.empty()
    (features,) = kind.seen(1)
    one.observe(features, 5.0, b"")
    other.observe(features, 6.0, b"")
    start, _, digest = one.snapshot().uuid.rpartition(":")
    assert start == "yard:1:1"
    assert len(digest) == 16
    assert not other.snapshot().uuid.endswith(digest)  # other times


def test_a_snapshot_without_rows_says_which_memory_it_is(kind: Kind) -> None:
    whole = kind.watched(40).snapshot()
    light = whole.without_rows()
    assert (light.uuid, light.as_of, light.version) == (whole.uuid, whole.as_of, whole.version)
    assert light.slots is whole.slots
    assert len(whole.features)
    assert light.nbytes() == 0
    for name in ("features", "parts", "groups", "times", "positions"):
        assert getattr(light, name).base is None  # a view would take the rows along


def test_the_callers_arrays_may_be_reused(kind: Kind) -> None:
    reusing, fresh = kind.empty(), kind.empty()
    buffer: Any = kind.seen(1)[0]
    parts = [buffer.low, buffer.full] if isinstance(buffer, FlashStep) else [buffer]
    for number, features in enumerate(kind.seen(30)):
        new = [features.low, features.full] if isinstance(features, FlashStep) else [features]
        for place, array in zip(parts, new, strict=True):
            place[...] = array
        reusing.observe(buffer, float(number), b"")
        fresh.observe(features, float(number), b"")
    for place in parts:
        place[...] = 0
    assert reusing.snapshot().uuid == fresh.snapshot().uuid
    assert content(reusing) == content(fresh)


def test_arrays_of_any_layout_are_read(kind: Kind) -> None:
    """Views of a larger batch, and transposed ones."""
    plain, strided = kind.empty(), kind.empty()

    def scattered(array: NDArray[np.float16]) -> NDArray[np.float16]:
        return np.repeat(array, 2, axis=2)[:, :, ::2].transpose(2, 0, 1).copy().transpose(1, 2, 0)

    for number, features in enumerate(kind.seen(20)):
        plain.observe(features, float(number), b"")
        views: Any = (
            FlashStep(scattered(features.low), scattered(features.full))
            if isinstance(features, FlashStep)
            else scattered(features)
        )
        strided.observe(views, float(number), b"")
    assert content(strided) == content(plain)


def test_no_snapshot_before_the_first_frame(kind: Kind) -> None:
    with pytest.raises(NoMemoryYetError, match='"yard"'):
        kind.empty().snapshot()


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), -float("inf")])
def test_a_time_that_is_none_is_refused(kind: Kind, time_s: float) -> None:
    memory = kind.watched(9)
    before, records = memory.snapshot(), content(memory)
    with pytest.raises(MemoryShapeError, match=f"time is {time_s}; finite Unix seconds"):
        memory.observe(kind.seen(1)[0], time_s, b"")
    assert memory.snapshot() is before
    assert content(memory) == records


def test_a_thumbnail_that_is_too_large_is_refused(kind: Kind) -> None:
    memory = kind.empty(thumbnail_bytes=100)
    watch(memory, kind.seen(9))
    before, records, (features,) = memory.snapshot(), content(memory), kind.seen(1)
    with pytest.raises(MemoryShapeError, match=r"101 bytes; at most 100 \(thumbnail_bytes\)"):
        memory.observe(features, 1.8e9, bytes(101))
    assert memory.snapshot() is before
    assert content(memory) == records
    memory.observe(features, 1.8e9, bytes(100))


def test_a_refusal_leaves_the_future_as_it_was(kind: Kind) -> None:
    """Refused frames in between change nothing that is still to come."""
    calm, troubled = kind.empty(), kind.empty()
    for number, features in enumerate(kind.seen(40)):
        bad: Any = (
            replace(features, full=features.full * np.float16(np.nan))
            if isinstance(features, FlashStep)
            else features * np.float16(np.nan)
        )
        with pytest.raises(MemoryShapeError, match="contain NaN"):
            troubled.observe(bad, float(number) + 0.5, b"")
        calm.observe(features, float(number), b"")
        troubled.observe(features, float(number), b"")
    assert content(calm) == content(troubled)
