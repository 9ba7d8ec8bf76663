"""What is in a store, whether it is whole, and files of it: on real memories."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support.journals import content, opened
from support.memories import Kind

from flashstream.errors import (
    ArchiveError,
    CorruptRecordError,
    StoreError,
    StreamExistsError,
    SupersededError,
    UnknownStreamError,
)
from flashstream.memory_store import archive
from flashstream.memory_store.backup import export, restore
from flashstream.memory_store.inspection import damage, inspect, known
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.store import Commit, Store

SPEC = {"url": "rtsp://ada:sesame@gate/1", "fps": 0.5, "labels": {"site": "nørd"}, "loop": None}


@pytest.fixture
def filled(kind: Kind) -> Callable[[Store], Store]:
    """Puts two memories, one of them registered, and one stream without a memory into a store."""

    def fill(store: Store) -> Store:
        for stream, count in (("yard", 30), ("gate", 10)):
            journal = opened(kind, store, stream)
            for number, features in enumerate(kind.seen(count), 1):
                journal.observe(features, 1.7e9 + number, b"jpeg %d" % number)
            journal.commit()
        store.put_stream("yard", SPEC)
        store.put_stream("new", {"fps": 1})
        return store

    return fill


@pytest.fixture
def full(filled: Callable[[Store], Store]) -> Store:
    return filled(LocalStore())


def flip(store: Store, stream: str, record: str, at: int) -> None:
    """Alter one byte of what is stored."""
    memory = store.load(stream)
    assert memory is not None
    data = bytearray(memory.records[record])
    data[at] ^= 0x40
    changed = {**memory.records, record: bytes(data)}
    epoch = store.claim(stream) + 1
    assert store.commit(stream, epoch, memory.version, changed) is Commit.COMMITTED


def test_streams_are_told_with_what_is_stored(full: Store) -> None:
    gate, new, yard = inspect(full)
    assert known(full) == ["gate", "new", "yard"]
    memory = full.load("yard")
    assert memory is not None
    assert (yard.stream, yard.registered, yard.damaged) == ("yard", True, False)
    assert (yard.version, yard.epoch) == (30, memory.epoch)
    assert yard.records == len(memory.records) > 10
    assert yard.nbytes == sum(map(len, memory.records.values()))
    assert (yard.as_of, yard.fingerprint) == (1.7e9 + 30, "f00d")
    assert (gate.registered, gate.version, gate.as_of) == (False, 10, 1.7e9 + 10)
    assert (new.registered, new.version, new.epoch, new.records) == (True, 0, 0, 0)
    assert (new.nbytes, new.as_of, new.fingerprint, new.damaged) == (0, None, None, False)


def test_every_damaged_record_is_named(full: Store) -> None:
    assert [damage(full, stream) for stream in known(full)] == [[], [], []]
    memory = full.load("yard")
    assert memory is not None
    names = sorted(memory.records)
    chosen = [names[0], names[-1]]
    for name in chosen:
        flip(full, "yard", name, len(memory.records[name]) // 2)
    found = damage(full, "yard")
    assert [(each.stream, each.record) for each in found] == [("yard", name) for name in chosen]
    assert all(f'"{each.record}"' in each.why for each in found)
    assert damage(full, "gate") == []
    assert [each.damaged for each in inspect(full)] == [False, False, True]


def test_any_byte_of_any_record_counts(full: Store) -> None:
    memory = full.load("gate")
    assert memory is not None
    chance = random.Random(7)
    for name, data in memory.records.items():
        flip(full, "gate", name, chance.randrange(len(data)))
        assert [each.record for each in damage(full, "gate")] == [name]
        epoch = full.claim("gate") + 1
        full.commit("gate", epoch, memory.version, memory.records)


def test_a_missing_record_and_another_streams_memory_are_damage(full: Store) -> None:
    memory = full.load("yard")
    assert memory is not None
    slot = next(name for name in memory.records if name.startswith("slot:"))
    epoch = full.claim("yard")
    full.commit("yard", epoch, 31, {}, [slot], base=30)
    assert damage(full, "yard")
    full.commit("other", full.claim("other"), memory.version, memory.records)
    (found,) = damage(full, "other")
    assert (found.stream, found.record) == ("other", "meta")
    assert 'of stream "yard"' in found.why


def test_all_comes_back_as_it_was(full: Store, store: Store, kind: Kind, tmp_path: Path) -> None:
    for stream in ("gate", "new", "yard"):
        store.delete(stream)
        store.remove_stream(stream)
    file = tmp_path / "memories"
    assert export(full, file) == ["gate", "new", "yard"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["memories"]
    # A store that is used already keeps what else it has.
    store.put_stream("mine", {})
    assert restore(store, file) == ["gate", "new", "yard"]
    registered = store.streams()
    assert (registered["yard"], registered["new"]) == (SPEC, {"fps": 1})
    assert "gate" not in registered
    assert "mine" in registered
    for stream in ("yard", "gate"):
        before, after = full.load(stream), store.load(stream)
        assert before is not None
        assert after is not None
        assert (after.version, after.records) == (before.version, before.records)
        assert content(opened(kind, store, stream)) == content(opened(kind, full, stream))
    assert store.load("new") is None


def test_one_stream_is_enough(full: Store, tmp_path: Path) -> None:
    one, all_ = tmp_path / "one", tmp_path / "all"
    assert export(full, one, ["yard"]) == ["yard"]
    export(full, all_)
    for file, streams in ((one, []), (all_, ["yard"])):
        other = LocalStore()
        assert restore(other, file, streams) == ["yard"]
        assert known(other) == ["yard"]
    with pytest.raises(UnknownStreamError, match='no stream "barn"; it has streams "gate"'):
        export(full, tmp_path / "none", ["barn"])
    with pytest.raises(UnknownStreamError, match='one has no stream "gate"; it has stream "yard"'):
        restore(LocalStore(), one, ["gate"])
    assert not (tmp_path / "none").exists()


def test_what_is_there_is_overwritten_only_when_told(
    full: Store, kind: Kind, tmp_path: Path
) -> None:
    file = tmp_path / "memories"
    export(full, file)
    saved = full.load("yard")
    assert saved is not None
    owner = opened(kind, full, "yard")
    for number, features in enumerate(kind.seen(40)[30:], 31):
        owner.observe(features, 1.7e9 + number, b"jpeg")
    owner.commit()
    full.put_stream("yard", {"fps": 9})
    with pytest.raises(StreamExistsError, match="--replace") as refused:
        restore(full, file)
    assert refused.value.details == {"streams": ["gate", "new", "yard"]}
    later = full.load("yard")
    assert later is not None
    assert later.version == 40
    restore(full, file, ["yard"], replace=True)
    again = full.load("yard")
    assert again is not None
    assert (again.version, again.records) == (30, saved.records)
    assert full.streams()["yard"] == SPEC
    # Who owned it is told, and the next owner goes on from there.
    owner.observe(kind.seen(41)[40], 1.7e9 + 41, b"jpeg")
    with pytest.raises(SupersededError):
        owner.commit()
    assert opened(kind, full, "yard").memory.version == 30


def test_a_damaged_memory_is_not_exported(full: Store, tmp_path: Path) -> None:
    file = tmp_path / "memories"
    export(full, file)
    before = file.read_bytes()
    flip(full, "yard", "meta", 50)
    with pytest.raises(CorruptRecordError, match=r'"yard" is not exported.*"meta"') as refused:
        export(full, file)
    assert refused.value.details["record"] == "meta"
    assert file.read_bytes() == before
    assert export(full, tmp_path / "gate", ["gate"]) == ["gate"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gate", "memories"]


def test_a_damaged_file_is_refused_and_changes_nothing(full: Store, tmp_path: Path) -> None:
    file = tmp_path / "memories"
    export(full, file)
    data = file.read_bytes()
    chance = random.Random(7)
    cuts = [0, 3, 20, 60, len(data) - 1, *chance.sample(range(len(data)), 5)]
    flips = [0, 4, 6, 10, 20, 50, len(data) - 1, *chance.sample(range(len(data)), 5)]
    altered = [data[:cut] for cut in cuts] + [data + b"\0", b"", b"not an archive" * 10]
    altered += [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in flips]
    empty = LocalStore()
    for content_ in altered:
        file.write_bytes(content_)
        with pytest.raises(ArchiveError, match=str(file)):
            restore(empty, file)
    assert known(empty) == []


def test_a_whole_file_of_a_damaged_memory_is_refused_by_name(full: Store, tmp_path: Path) -> None:
    """As an older version or another program may have written it."""
    memory = full.load("yard")
    assert memory is not None
    file = tmp_path / "memories"
    records = {**memory.records, "meta": memory.records["meta"][:-1]}
    with archive.written(file) as writer:
        writer.put(archive.Entry("yard", None, 30, records))
    with pytest.raises(ArchiveError, match=r'damaged memory of stream "yard".*"meta"'):
        restore(LocalStore(), file)


def test_files_that_cannot_be_used_are_told(full: Store, tmp_path: Path) -> None:
    for file in (tmp_path / "nowhere" / "memories", tmp_path):
        with pytest.raises(ArchiveError, match="cannot be written"):
            export(full, file)
        with pytest.raises(ArchiveError, match="cannot be read"):
            restore(full, file)


def test_an_export_that_fails_leaves_the_older_file(full: Store, tmp_path: Path) -> None:
    file = tmp_path / "memories"
    export(full, file, ["gate"])
    before = file.read_bytes()

    class Away(LocalStore):
        def load(self, stream: str) -> None:
            raise StoreError("away")

    away = Away()
    away.put_stream("yard", {})
    with pytest.raises(StoreError, match="away"):
        export(away, file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["memories"]
