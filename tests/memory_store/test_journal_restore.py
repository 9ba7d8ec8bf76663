"""What a journal opens: the memory as it was stored, and no other."""

from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from redis import Redis
from support.journals import assert_stored, opened, watch
from support.likeness import off
from support.memories import KINDS, Kind

from flashstream.errors import CorruptRecordError, FingerprintError, MemoryShapeError
from flashstream.memory_store.codec import LAG
from flashstream.memory_store.encoding import encode
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.record import FORMAT, unpack
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Store
from flashstream.video.picture import thumbnail


def test_another_models_memory_is_refused(kind: Kind) -> None:
    store = LocalStore()
    journal = opened(kind, store)
    watch(journal, kind.seen(5))
    journal.commit()
    with pytest.raises(FingerprintError, match="f00d"):
        opened(kind, store, fingerprint="beef")


def test_a_flipped_byte_in_the_store_is_refused_by_name(valkey_url: str, kind: Kind) -> None:
    valkey = RedisStore(valkey_url)
    valkey.delete("yard")
    journal = opened(kind, valkey)
    watch(journal, kind.seen(30))
    journal.commit()
    name = f"slot:{journal.memory.snapshot().slots.ids[2]}"
    with Redis.from_url(valkey_url) as client:
        data = bytearray(client.hget("fs:{yard}:records", name) or b"")
        data[len(data) // 2] ^= 1
        client.hset("fs:{yard}:records", name, bytes(data))
    with pytest.raises(CorruptRecordError, match=f'"{name}" is corrupt') as caught:
        opened(kind, valkey)
    assert caught.value.details["record"] == name
    valkey.close()


def test_a_memory_of_another_stream_or_version_is_refused(kind: Kind) -> None:
    store = LocalStore()
    journal = opened(kind, store)
    watch(journal, kind.seen(5))
    records = encode(journal.memory.view())
    store.commit("gate", store.claim("gate"), 5, records)
    with pytest.raises(CorruptRecordError, match='stream "yard", version 5'):
        opened(kind, store, "gate")
    store.commit("yard", store.claim("yard"), 6, records)
    with pytest.raises(CorruptRecordError, match="version 5, not 6"):
        opened(kind, store)


def test_a_refused_frame_is_not_committed(kind: Kind) -> None:
    journal = opened(kind, LocalStore())
    (features,) = kind.seen(1)
    with pytest.raises(MemoryShapeError):
        journal.observe(features, float("nan"), b"")
    assert not journal.pending


@pytest.mark.parametrize(("ours", "theirs"), [KINDS, KINDS[::-1]])
def test_a_memory_of_another_kind_is_refused(store: Store, ours: Kind, theirs: Kind) -> None:
    stream = f"kind-{theirs.name}"
    store.delete(stream)
    journal = opened(theirs, store, stream)
    watch(journal, theirs.seen(9))
    journal.commit()
    with pytest.raises(FingerprintError, match=f'of kind "{theirs.name}", not "{ours.name}"'):
        opened(ours, store, stream)
    assert_stored(journal, opened(theirs, store, stream))


@pytest.mark.parametrize(
    ("kind", "sizes"), [(KINDS[0], {"spatial_frames": 3}), (KINDS[1], {"csm_slots": 4})]
)
def test_a_memory_of_other_sizes_is_refused(
    store: Store, kind: Kind, sizes: dict[str, Any]
) -> None:
    stream = f"sizes-{kind.name}"
    store.delete(stream)
    journal = opened(kind, store, stream)
    watch(journal, kind.seen(9))
    journal.commit()
    with pytest.raises(FingerprintError, match="other sizes"):
        opened(kind, store, stream, **sizes)


def test_a_stored_memory_gives_one_snapshot_near_to_the_one_it_gave(
    store: Store, kind: Kind
) -> None:
    """Of other owners, so under other epochs; all else in their names is equal."""
    stream = f"snapshot-{kind.name}"
    store.delete(stream)
    journal = opened(kind, store, stream)
    watch(journal, kind.seen(40))
    journal.commit()
    before = journal.memory.snapshot()
    after, again = (opened(kind, store, stream).memory.snapshot() for _ in range(2))
    assert again.uuid == after.uuid.replace(f":{after.epoch}:", f":{again.epoch}:")
    assert after.uuid.split(":")[-1] != before.uuid.split(":")[-1]  # no cache may mix them up
    for name in ("features", "parts", "groups", "times", "positions"):
        assert getattr(after, name).tobytes() == getattr(again, name).tobytes()
    assert after.slots.pictures == before.slots.pictures
    for name in ("ids", "weights", "first_s", "mean_s", "last_s"):
        ours, theirs = getattr(after.slots, name), getattr(before.slots, name)
        assert ours.tobytes() == theirs.tobytes()
    for part in np.unique(before.parts):
        rows = before.parts == part
        assert off(after.features[rows], before.features[rows]) < LAG * 1.01


@pytest.mark.parametrize("clean", [True, False])
def test_a_memory_of_format_2_goes_on_and_is_written_anew(
    store: Store, kind: Kind, clean: bool
) -> None:
    """clean: as it was stored; otherwise its newer owner keeps fewer frames, too."""
    stream = "yard"
    store.delete(stream)
    path = Path(__file__).with_name(f"format2-{kind.name}.msgpack")
    records = msgpack.unpackb(path.read_bytes())["records"]
    store.commit(stream, store.claim(stream), 40, records)
    journal = opened(kind, store, stream, candidates=2 if clean else 1)
    assert journal.memory.version == journal.durable_version == 40
    assert not journal.pending
    journal.commit()
    unchanged = store.load(stream)
    assert unchanged is not None
    assert unchanged.records == records
    watch(journal, kind.seen(41)[40:])
    journal.commit()
    stored = store.load(stream)
    assert stored is not None
    assert {unpack(name, data).format for name, data in stored.records.items()} == {FORMAT}
    assert "abstract" not in stored.records
    assert stored.records == encode(journal.memory.view())
    again = opened(kind, store, stream, candidates=2 if clean else 1)
    assert again.memory.version == 41
    assert_stored(journal, again)


def test_frames_that_are_no_longer_kept_are_let_go_of_whole(store: Store, kind: Kind) -> None:
    """With fewer candidates than when it was stored, no slot names a frame that is gone."""
    store.delete("fewer")
    journal = opened(kind, store, "fewer", candidates=2)
    seen = kind.seen(42)
    watch(journal, seen[:40])
    journal.commit()
    fewer = opened(kind, store, "fewer", candidates=1)
    watch(fewer, seen[40:])
    fewer.commit()
    again = opened(kind, store, "fewer", candidates=1)
    assert again.memory.version == 42
    assert_stored(fewer, again)
    assert all(len(slot.candidates) == 1 for slot in again.memory.view().slots)


def test_pictures_that_are_too_large_now_are_kept_smaller_and_written_so(
    store: Store, kind: Kind
) -> None:
    store.delete("smaller")
    journal = opened(kind, store, "smaller")
    seen = kind.seen(41)
    for number, features in enumerate(seen[:40]):
        noise = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        journal.observe(features, 1.7e9 + number, thumbnail(noise))
    journal.commit()
    small = opened(kind, store, "smaller", thumbnail_bytes=2048)
    watch(small, seen[40:])
    small.commit()
    again = opened(kind, store, "smaller")
    assert_stored(small, again)
    kept = [kept for slot in again.memory.view().slots for kept in slot.candidates]
    assert all(0 < len(each.thumbnail) <= 2048 for each in kept)
    assert all(again.memory.picture(each.picture) == each.thumbnail for each in kept)
