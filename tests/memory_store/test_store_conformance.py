"""What every store has to do; runs on the local one, on Valkey, on Debian's Redis (also waiting
for its disk) and on a cluster."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from flashstream.memory_store.store import Commit, Store

_NUMBERS = count()


@pytest.fixture
def stream() -> str:
    return f"camera-{next(_NUMBERS)}"


class TestOwnership:
    def test_each_claim_is_greater(self, store: Store, stream: str) -> None:
        epochs = [store.claim(stream) for _ in range(20)]
        assert epochs == sorted(set(epochs))
        assert epochs[0] > 0

    def test_old_owner_is_superseded_and_writes_nothing(self, store: Store, stream: str) -> None:
        old = store.claim(stream)
        store.commit(stream, old, 1, {"meta": b"old"}, base=0)
        new = store.claim(stream)
        for base in (1, None):
            answer = store.commit(stream, old, 2, {"meta": b"late"}, base=base)
            assert answer is Commit.SUPERSEDED
        # Also what it had committed before: it must hear that it is no longer the owner.
        assert store.commit(stream, old, 1, {"meta": b"late"}, base=0) is Commit.SUPERSEDED
        assert store.commit(stream, new, 2, {"meta": b"new"}, base=1) is Commit.COMMITTED
        loaded = store.load(stream)
        assert loaded is not None
        assert (loaded.epoch, loaded.version, loaded.records) == (new, 2, {"meta": b"new"})

    def test_memory_outlives_its_owner(self, store: Store, stream: str) -> None:
        store.commit(stream, store.claim(stream), 7, {"meta": b"m", "slot:1": b"s"})
        epoch = store.claim(stream)
        loaded = store.load(stream)
        assert loaded is not None
        assert (loaded.epoch, loaded.version) == (epoch, 7)
        assert loaded.records == {"meta": b"m", "slot:1": b"s"}

    def test_nobody_writes_without_a_claim(self, store: Store, stream: str) -> None:
        assert store.commit(stream, 5, 1, {"meta": b"m"}) is Commit.SUPERSEDED
        assert store.load(stream) is None

    def test_one_of_many_rivals_wins(self, store: Store, stream: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            epochs = list(pool.map(lambda _: store.claim(stream), range(8)))
            answers = list(
                pool.map(lambda e: store.commit(stream, e, 1, {"meta": b"%d" % e}), epochs)
            )
        assert len(set(epochs)) == 8
        assert answers.count(Commit.COMMITTED) == 1
        assert answers.count(Commit.SUPERSEDED) == 7
        assert answers[epochs.index(max(epochs))] is Commit.COMMITTED


class TestCommit:
    def test_only_named_records_change(self, store: Store, stream: str) -> None:
        epoch = store.claim(stream)
        first = {"meta": b"1", "slot:1": b"a", "slot:2": b"b", "spatial": b"s"}
        assert store.commit(stream, epoch, 1, first, base=0) is Commit.COMMITTED
        second = {"meta": b"2", "slot:3": b"\x00\xff"}
        assert store.commit(stream, epoch, 4, second, ["slot:1"], base=1) is Commit.COMMITTED
        loaded = store.load(stream)
        assert loaded is not None
        assert loaded.version == 4
        assert loaded.records == {
            "meta": b"2",
            "slot:2": b"b",
            "slot:3": b"\x00\xff",
            "spatial": b"s",
        }

    def test_a_repeat_is_told_and_harmless(self, store: Store, stream: str) -> None:
        epoch = store.claim(stream)
        store.commit(stream, epoch, 1, {"meta": b"1"}, base=0)
        store.commit(stream, epoch, 2, {"meta": b"2"}, base=1)
        for version, base in ((2, 1), (1, 0), (2, None)):
            answer = store.commit(stream, epoch, version, {"meta": b"again"}, base=base)
            assert answer is Commit.DUPLICATE
        loaded = store.load(stream)
        assert loaded is not None
        assert (loaded.version, loaded.records) == (2, {"meta": b"2"})

    def test_changes_build_on_what_is_there(self, store: Store, stream: str) -> None:
        epoch = store.claim(stream)
        store.commit(stream, epoch, 1, {"meta": b"1", "slot:1": b"a"}, base=0)
        answer = store.commit(stream, epoch, 9, {"meta": b"9"}, ["slot:1"], base=8)
        assert answer is Commit.OUT_OF_STEP
        loaded = store.load(stream)
        assert loaded is not None
        assert (loaded.version, loaded.records) == (1, {"meta": b"1", "slot:1": b"a"})

    def test_a_whole_memory_replaces_all(self, store: Store, stream: str) -> None:
        epoch = store.claim(stream)
        store.commit(stream, epoch, 1, {"meta": b"1", "slot:1": b"a"}, base=0)
        assert store.commit(stream, epoch, 9, {"meta": b"9"}) is Commit.COMMITTED
        loaded = store.load(stream)
        assert loaded is not None
        assert loaded.records == {"meta": b"9"}

    def test_an_owner_whose_claim_the_store_lost_writes_the_whole(
        self, store: Store, stream: str
    ) -> None:
        remembered = store.claim(stream)
        store.commit(stream, remembered, 5, {"meta": b"5", "slot:1": b"a"})
        lost = remembered + 1
        assert store.commit(stream, lost, 6, {"meta": b"6"}, base=5) is Commit.OUT_OF_STEP
        assert store.commit(stream, lost, 6, {"meta": b"6"}) is Commit.COMMITTED
        loaded = store.load(stream)
        assert loaded is not None
        assert (loaded.epoch, loaded.version, loaded.records) == (lost, 6, {"meta": b"6"})
        assert store.claim(stream) > lost

    def test_what_is_loaded_is_of_one_commit(self, store: Store, stream: str) -> None:
        epoch = store.claim(stream)
        stop = threading.Event()

        def write() -> None:
            for version in count(1):
                mark = b"%d" % version
                store.commit(stream, epoch, version, {f"slot:{i}": mark for i in range(20)})
                if stop.is_set():
                    return

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            for _ in range(100):
                loaded = store.load(stream)
                if loaded is not None:
                    assert set(loaded.records.values()) == {b"%d" % loaded.version}
            stop.set()
            writing.result()

    def test_streams_with_a_memory_are_known(self, store: Store, stream: str) -> None:
        for name in (stream + "-b", stream + "-a"):
            store.commit(name, store.claim(name), 1, {"meta": b"1"})
        store.claim(stream + "-c")  # nothing committed yet
        store.put_stream(stream + "-d", {})
        store.put_picture(stream + "-e", "abc", b"jpeg", 60)
        mine = [name for name in store.remembered() if name.startswith(stream + "-")]
        assert mine == [stream + "-a", stream + "-b"]

    def test_changing_the_callers_records_changes_nothing(self, store: Store, stream: str) -> None:
        changes = {"meta": b"1"}
        store.commit(stream, store.claim(stream), 1, changes)
        changes["meta"] = b"2"
        loaded = store.load(stream)
        assert loaded is not None
        loaded.records["meta"] = b"3"
        again = store.load(stream)
        assert again is not None
        assert again.records == {"meta": b"1"}


class TestDelete:
    def test_everything_is_gone_and_stays_gone(self, store: Store, stream: str) -> None:
        epoch = store.claim(stream)
        store.commit(stream, epoch, 1, {"meta": b"1"})
        store.put_picture(stream, "abc", b"jpeg", 60)
        store.delete(stream)
        assert store.load(stream) is None
        assert store.picture(stream, "abc") is None
        # A writer that lives on must not bring it back.
        assert store.commit(stream, epoch, 2, {"meta": b"2"}) is Commit.SUPERSEDED
        assert store.commit(stream, epoch, 2, {"meta": b"2"}, base=1) is Commit.SUPERSEDED
        assert store.load(stream) is None
        assert store.claim(stream) > epoch

    def test_an_old_owner_that_wakes_up_after_it_is_told_whoever_owns_the_stream_then(
        self, store: Store, stream: str
    ) -> None:
        old = store.claim(stream)
        store.commit(stream, old, 1, {"meta": b"old"}, base=0)
        store.delete(stream)
        new = store.claim(stream)
        for base in (0, 1, None):
            answer = store.commit(stream, old, 2, {"meta": b"late"}, base=base)
            assert answer is Commit.SUPERSEDED
        assert store.load(stream) is None
        assert store.commit(stream, new, 1, {"meta": b"new"}, base=0) is Commit.COMMITTED
        assert store.commit(stream, old, 9, {"meta": b"late"}) is Commit.SUPERSEDED
        loaded = store.load(stream)
        assert loaded is not None
        assert (loaded.epoch, loaded.version, loaded.records) == (new, 1, {"meta": b"new"})

    def test_other_streams_stay(self, store: Store, stream: str) -> None:
        other = stream + "0"
        store.commit(other, store.claim(other), 1, {"meta": b"1"})
        store.put_picture(other, "abc", b"jpeg", 60)
        store.delete(stream)
        assert store.load(other) is not None
        assert store.picture(other, "abc") == b"jpeg"

    def test_deleting_nothing_is_no_error(self, store: Store, stream: str) -> None:
        store.delete(stream)
        assert store.load(stream) is None


class TestPictures:
    def test_kept_by_stream_and_id(self, store: Store, stream: str) -> None:
        store.put_picture(stream, "abc", b"\xff\xd8jpeg", 60)
        assert store.picture(stream, "abc") == b"\xff\xd8jpeg"
        assert store.picture(stream, "abd") is None
        assert store.picture(stream + "0", "abc") is None

    def test_a_picture_makes_no_memory_and_no_owner(self, store: Store, stream: str) -> None:
        store.put_picture(stream, "abc", b"jpeg", 60)
        assert store.load(stream) is None
        assert store.commit(stream, 0, 1, {"meta": b"1"}) is Commit.SUPERSEDED


class TestRegistry:
    def test_streams_come_back_as_they_were_put(self, store: Store, stream: str) -> None:
        spec = {"url": "rtsp://gate/1", "fps": 0.5, "labels": {"site": "nørd"}, "loop": None}
        store.put_stream(stream, spec)
        store.put_stream(stream + "0", {})
        assert store.streams()[stream] == spec
        assert store.streams()[stream + "0"] == {}
        store.put_stream(stream, {"fps": 2})
        assert store.streams()[stream] == {"fps": 2}

    def test_removal(self, store: Store, stream: str) -> None:
        store.put_stream(stream, {})
        store.remove_stream(stream)
        store.remove_stream(stream)
        assert stream not in store.streams()


def test_ping_answers(store: Store) -> None:
    store.ping()
