"""The journal: what it writes, what it survives, and whom it lets write."""

import os
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from support.memories import KINDS, Kind
from support.memories import watch as watch_memory

from flashstream.errors import (
    CorruptRecordError,
    FingerprintError,
    MemoryShapeError,
    StoreError,
    SupersededError,
)
from flashstream.memory_store.codec import encode
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.memory import StreamMemory
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Commit, MemoryStore, Store

Make = Callable[[int], list[Any]]
Journal = MemoryJournal[Any]
Open = Callable[..., Journal]


def opened(kind: Kind, store: MemoryStore, stream: str = "yard", **other: Any) -> Journal:
    """other: see `Kind.empty`."""

    def empty(epoch: int) -> StreamMemory[Any]:
        return kind.empty(stream=stream, epoch=epoch, **other)

    return MemoryJournal.open(stream, store, empty)


@pytest.fixture
def open_journal(kind: Kind) -> Open:
    return partial(opened, kind)


@pytest.fixture
def frames(kind: Kind) -> Make:
    """What that many observations of that kind of memory take in."""
    return kind.seen


@pytest.fixture
def valkey(valkey_url: str) -> Iterator[RedisStore]:
    with Redis.from_url(valkey_url) as client:
        client.flushall()
    store = RedisStore(valkey_url)
    yield store
    store.close()


def watch(journal: Journal, frames: list[Any]) -> None:
    for features in frames:
        number = journal.memory.version + 1
        journal.observe(features, 1.7e9 + number, b"jpeg %d" % number)


def content(journal: Journal) -> dict[str, bytes]:
    """All records but the header, which names the epoch."""
    records = encode(journal.memory.view())
    del records["meta"]
    return records


class Recording(LocalStore):
    """A store that keeps what it was sent, and fails or loses answers when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[set[str], set[str], int | None]] = []
        self.away = False
        self.mute = False

    def commit(
        self,
        stream: str,
        epoch: int,
        version: int,
        changes: Mapping[str, bytes],
        removed: Collection[str] = (),
        *,
        base: int | None = None,
    ) -> Commit:
        if self.away:
            raise StoreError("away")
        self.sent.append((set(changes), set(removed), base))
        outcome = super().commit(stream, epoch, version, changes, removed, base=base)
        if self.mute:
            raise StoreError("the answer was lost")
        return outcome


@pytest.mark.parametrize("every", [1, 3, 50])
def test_a_reopened_memory_is_the_same(
    store: Store, open_journal: Open, frames: Make, every: int
) -> None:
    stream = f"reopened-{every}"
    store.delete(stream)
    seen = frames(100)
    journal = open_journal(store, stream)
    for start in range(0, 50, every):
        watch(journal, seen[start : min(50, start + every)])
        journal.commit()
        assert not journal.pending
    assert journal.durable_version == 50
    assert journal.durable_as_of == 1.7e9 + 50
    reopened = open_journal(store, stream)
    assert content(reopened) == content(journal)
    assert reopened.memory.epoch > journal.memory.epoch
    assert reopened.durable_version == 50
    assert reopened.durable_as_of == 1.7e9 + 50
    watch(journal, seen[50:])
    watch(reopened, seen[50:])
    assert content(reopened) == content(journal)
    reopened.commit()
    assert content(open_journal(store, stream)) == content(journal)


def test_a_commit_sends_only_what_changed(kind: Kind, open_journal: Open, frames: Make) -> None:
    store = Recording()
    journal = open_journal(store)
    before: dict[str, bytes] = {}
    for number, features in enumerate(frames(60), 1):
        watch(journal, [features])
        journal.commit()
        now = encode(journal.memory.view())
        written, removed, base = store.sent[-1]
        assert written == {name for name in now if now[name] != before.get(name)}
        assert removed == before.keys() - now.keys()
        assert base == number - 1
        # The frame's slot, a merged one, its frame, and what always changes.
        assert len(written) <= 3 + len(kind.always)
        before = now
    assert len(store.sent) == 60


def test_redis_fields_that_did_not_change_are_not_written(
    kind: Kind, valkey: RedisStore, valkey_url: str, open_journal: Open, frames: Make
) -> None:
    seen = frames(41)
    journal = open_journal(valkey)
    watch(journal, seen[:40])
    journal.commit()
    with Redis.from_url(valkey_url) as client:
        names = set(client.hkeys("fs:{yard}:records"))
        for name in names:
            client.hset("fs:{yard}:records", name, "untouched")
        watch(journal, seen[40:])
        journal.commit()
        after = client.hgetall("fs:{yard}:records")
    written = {name for name, data in after.items() if data != b"untouched"}
    assert {name.encode() for name in kind.always} <= written
    assert 1 <= len(written - {name.encode() for name in kind.always}) <= 3
    assert len(names - written) >= len(names) - 3 - len(kind.always)


def test_nothing_seen_means_nothing_sent(open_journal: Open, frames: Make) -> None:
    store = Recording()
    journal = open_journal(store)
    assert not journal.pending
    journal.commit()
    assert store.sent == []
    watch(journal, frames(2))
    journal.commit()
    journal.commit()
    assert len(store.sent) == 1


def test_watching_goes_on_while_the_store_is_away(open_journal: Open, frames: Make) -> None:
    store, seen = Recording(), frames(90)
    journal = open_journal(store)
    watch(journal, seen[:30])
    journal.commit()
    store.away = True
    for features in seen[30:]:
        watch(journal, [features])
        with pytest.raises(StoreError, match="away"):
            journal.commit()
        assert journal.waiting <= len(encode(journal.memory.view()))
    assert journal.pending
    assert journal.durable_version == 30
    store.away = False
    journal.commit()
    written, _, base = store.sent[-1]
    assert base == 30
    assert written <= encode(journal.memory.view()).keys()
    assert content(open_journal(store)) == content(journal)


def test_a_lost_answer_does_no_harm(open_journal: Open, frames: Make) -> None:
    store, seen = Recording(), frames(40)
    journal = open_journal(store)
    for number, features in enumerate(seen):
        store.mute = number % 3 == 1
        watch(journal, [features])
        try:
            journal.commit()
        except StoreError:
            assert store.mute
    store.mute = False
    journal.commit()  # the very version whose answer was lost, or the next
    assert journal.durable_version == 40
    assert content(open_journal(store)) == content(journal)


def test_changes_made_ready_twice_or_late_are_not_lost(open_journal: Open, frames: Make) -> None:
    store, seen = Recording(), frames(60)
    journal = open_journal(store)
    watch(journal, seen[:20])
    early = journal.prepare()
    watch(journal, seen[20:40])
    later = journal.prepare()
    journal.write(later)
    journal.write(early)
    assert journal.durable_version == 40
    early = journal.prepare()
    watch(journal, seen[40:])
    later = journal.prepare()
    journal.write(early)
    journal.write(later)
    assert content(open_journal(store)) == content(journal)


def test_what_changes_while_a_commit_is_under_way_is_in_the_next(
    open_journal: Open, frames: Make
) -> None:
    store, seen = Recording(), frames(90)
    journal = open_journal(store)
    for start in range(0, 90, 3):
        ready = journal.prepare()
        watch(journal, seen[start : start + 3])
        journal.write(ready)
    journal.commit()
    assert [base for _, _, base in store.sent] == list(range(0, 90, 3))  # never the whole
    assert content(open_journal(store)) == content(journal)


@pytest.mark.parametrize("lost", ["commits", "everything but the claim"])
def test_a_store_that_went_back_is_given_the_whole(
    valkey: RedisStore, valkey_url: str, open_journal: Open, frames: Make, lost: str
) -> None:
    seen = frames(60)
    journal = open_journal(valkey)
    keys = ("fs:{yard}:meta", "fs:{yard}:records")
    with Redis.from_url(valkey_url) as client:
        for start in (0, 20):
            watch(journal, seen[start : start + 20])
            journal.commit()
            if start == 0:
                saved = [client.dump(key) for key in keys]
        if lost == "commits":
            for key, data in zip(keys, saved, strict=True):
                client.restore(key, 0, data, replace=True)
        else:
            client.delete("fs:{yard}:records")
            client.hdel("fs:{yard}:meta", "version")
    watch(journal, seen[40:])
    journal.commit()
    assert content(open_journal(valkey)) == content(journal)


def test_the_older_owner_is_refused_and_told(
    store: Store, open_journal: Open, frames: Make
) -> None:
    stream, seen = "contested", frames(30)
    store.delete(stream)
    old = open_journal(store, stream)
    watch(old, seen[:10])
    old.commit()
    new = open_journal(store, stream)
    watch(old, seen[10:20])
    with pytest.raises(SupersededError, match='"contested" was claimed by another owner') as caught:
        old.commit()
    assert caught.value.details == {"stream": stream, "epoch": old.memory.epoch}
    watch(new, seen[20:])
    new.commit()
    again = open_journal(store, stream)
    assert content(again) == content(new)
    assert again.memory.version == 20


def test_a_deleted_stream_is_not_brought_back(
    store: Store, open_journal: Open, frames: Make
) -> None:
    journal = open_journal(store, "deleted")
    watch(journal, frames(10))
    journal.commit()
    store.delete("deleted")
    watch(journal, frames(3))
    with pytest.raises(SupersededError):
        journal.commit()
    assert store.load("deleted") is None


def test_an_outage_of_a_real_server(tmp_path: Path, open_journal: Open, frames: Make) -> None:
    seen = frames(60)
    with EmbeddedValkey(tmp_path) as server:
        store = RedisStore(server.url)
        journal = open_journal(store)
        watch(journal, seen[:20])
        journal.commit()
        os.kill(server.pid, signal.SIGKILL)
        watch(journal, seen[20:40])
        with pytest.raises(StoreError, match=r"127\.0\.0\.1"):
            journal.commit()
        watch(journal, seen[40:])
        assert journal.durable_version == 20
        server.revive()
        journal.commit()
        store.close()
    with EmbeddedValkey(tmp_path) as server:
        store = RedisStore(server.url)
        assert content(open_journal(store)) == content(journal)
        store.close()


def test_another_models_memory_is_refused(open_journal: Open, frames: Make) -> None:
    store = LocalStore()
    journal = open_journal(store)
    watch(journal, frames(5))
    journal.commit()
    with pytest.raises(FingerprintError, match="f00d"):
        open_journal(store, fingerprint="beef")


def test_a_flipped_byte_in_the_store_is_refused_by_name(
    valkey: RedisStore, valkey_url: str, open_journal: Open, frames: Make
) -> None:
    journal = open_journal(valkey)
    watch(journal, frames(30))
    journal.commit()
    name = f"slot:{journal.memory.snapshot().slots.ids[2]}"
    with Redis.from_url(valkey_url) as client:
        data = bytearray(client.hget("fs:{yard}:records", name) or b"")
        data[len(data) // 2] ^= 1
        client.hset("fs:{yard}:records", name, bytes(data))
    with pytest.raises(CorruptRecordError, match=f'"{name}" is corrupt') as caught:
        open_journal(valkey)
    assert caught.value.details["record"] == name


def test_a_memory_of_another_stream_or_version_is_refused(open_journal: Open, frames: Make) -> None:
    store = LocalStore()
    journal = open_journal(store)
    watch(journal, frames(5))
    records = encode(journal.memory.view())
    store.commit("gate", store.claim("gate"), 5, records)
    with pytest.raises(CorruptRecordError, match='stream "yard", version 5'):
        open_journal(store, "gate")
    store.commit("yard", store.claim("yard"), 6, records)
    with pytest.raises(CorruptRecordError, match="version 5, not 6"):
        open_journal(store)


def test_a_refused_frame_is_not_committed(open_journal: Open, frames: Make) -> None:
    journal = open_journal(LocalStore())
    (features,) = frames(1)
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


def test_a_stored_memory_gives_the_snapshot_it_gave(
    store: Store, kind: Kind, open_journal: Open
) -> None:
    """Of another owner, so under another epoch; all else in its name is as it was."""
    stream = f"snapshot-{kind.name}"
    store.delete(stream)
    journal = open_journal(store, stream)
    watch(journal, kind.seen(40))
    journal.commit()
    before, after = journal.memory.snapshot(), open_journal(store, stream).memory.snapshot()
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
