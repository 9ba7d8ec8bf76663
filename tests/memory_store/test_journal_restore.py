"""What a journal opens: the memory as it was stored, and no other."""

from typing import Any

import pytest
from redis import Redis
from support.journals import content, opened, watch
from support.memories import KINDS, Kind
from support.memories import watch as watch_memory

from flashstream.errors import CorruptRecordError, FingerprintError, MemoryShapeError
from flashstream.memory_store.codec import encode
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Store


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
    assert content(opened(theirs, store, stream)) == content(journal)


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


def test_a_stored_memory_gives_the_snapshot_it_gave(store: Store, kind: Kind) -> None:
    """Of another owner, so under another epoch; all else in its name is as it was."""
    stream = f"snapshot-{kind.name}"
    store.delete(stream)
    journal = opened(kind, store, stream)
    watch(journal, kind.seen(40))
    journal.commit()
    before, after = journal.memory.snapshot(), opened(kind, store, stream).memory.snapshot()
    assert after.uuid == before.uuid.replace(f":{before.epoch}:", f":{after.epoch}:")
    same = kind.empty(stream=stream, epoch=before.epoch)
    watch_memory(same, kind.seen(40))
    assert same.snapshot().uuid == before.uuid
    for name in ("features", "parts", "groups", "times", "positions"):
        assert getattr(after, name).tobytes() == getattr(before, name).tobytes()


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
    assert content(again) == content(fewer)
    assert all(len(slot.candidates) == 1 for slot in again.memory.view().slots)
