"""The journal: what it writes, what it survives, and whom it lets write."""

import os
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from support.journals import Journal, assert_stored, content, opened, watch
from support.likeness import exactly
from support.memories import Kind

from flashstream.errors import (
    StoreError,
    SupersededError,
)
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.encoding import encode
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Commit, Store

Make = Callable[[int], list[Any]]
Open = Callable[..., Journal]


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
def test_a_reopened_memory_is_near_and_always_the_same(
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
    assert_stored(journal, reopened)
    assert reopened.memory.epoch > journal.memory.epoch
    assert reopened.durable_version == 50
    assert reopened.durable_as_of == 1.7e9 + 50
    again = open_journal(store, stream)
    assert content(again) == content(reopened)
    watch(again, seen[50:])
    watch(reopened, seen[50:])
    assert content(again) == content(reopened)
    again.commit()
    assert_stored(again, open_journal(store, stream))


def test_a_commit_sends_only_what_changed(kind: Kind, open_journal: Open, frames: Make) -> None:
    store = Recording()
    journal = open_journal(store)
    before: dict[str, Any] = {}
    lagging = ("abstract:", "centroid:")
    lagged = 0
    for number, features in enumerate(frames(60), 1):
        watch(journal, [features])
        journal.commit()
        now = exactly(journal.memory.view())
        sent, gone, base = store.sent[-1]
        written = {name for name in sent if not name.startswith(lagging)}
        changed = {name for name in now if now[name] != before.get(name)}
        assert written == {name for name in changed if not name.startswith(lagging)}
        assert {n for n in gone if not n.startswith(lagging)} == before.keys() - now.keys()
        assert base == number - 1
        # The frame's slot, a merged one, its frame, and what always changes.
        assert len(written) <= 3 + len(kind.always)
        moved = {name.replace("slot:", "centroid:") for name in changed}
        late = sent - written
        assert late <= moved
        lagged += len({name for name in moved if name.startswith(lagging)} - late)
        before = now
    assert len(store.sent) == 60
    assert lagged > 20


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
    lagging = {name for name in written if name.startswith((b"abstract:", b"centroid:"))}
    assert 1 <= len(written - lagging - {name.encode() for name in kind.always}) <= 3
    assert len(lagging) <= 5  # two slots' centroids, three abstract rows
    assert len(names - written) >= len(names) - 8 - len(kind.always)


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
    assert written <= encode(journal.memory.view()).keys()  # nothing that is gone by now
    assert_stored(journal, open_journal(store))


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
    assert_stored(journal, open_journal(store))


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
    assert_stored(journal, open_journal(store))


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
    assert_stored(journal, open_journal(store))


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
    assert_stored(journal, open_journal(valkey))


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
    assert_stored(new, again)
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
        assert_stored(journal, open_journal(store))
        store.close()


def test_what_waits_for_a_store_that_is_away_stays_bounded(
    open_journal: Open, frames: Make
) -> None:
    store, seen = Recording(), frames(30)
    journal = open_journal(store)
    store.away = True
    for _ in range(20):
        watch(journal, seen)
        with pytest.raises(StoreError):
            journal.commit()
    assert journal.waiting <= len(encode(journal.memory.view()))
    store.away = False
    journal.commit()
    assert journal.waiting == 0
    assert_stored(journal, open_journal(store))
