"""The fleet's registry and its watchers, with a real in-process store and recorded watchers."""

import pytest

from flashstream.actors.fleet import Fleet
from flashstream.actors.spec import StreamSpec, check_stream_id
from flashstream.errors import (
    InvalidStreamIdError,
    NotReadyError,
    OverloadedError,
    StreamExistsError,
    UnknownStreamError,
)
from flashstream.memory_store.local import LocalStore


class RecordedCrew:
    def __init__(self) -> None:
        self.watched: list[str] = []
        self.failure: Exception | None = None

    def start(self, spec: StreamSpec) -> None:
        if self.failure:
            raise self.failure
        self.watched.append(spec.id)

    def stop(self, stream: str) -> None:
        self.watched.remove(stream)
        if self.failure:
            raise self.failure


def spec(name: str) -> StreamSpec:
    return StreamSpec(name, f"rtsp://user:secret@127.0.0.1/{name}", 1.0, 1_700_000_000.0)


@pytest.fixture
def store() -> LocalStore:
    return LocalStore()


@pytest.fixture
def crew() -> RecordedCrew:
    return RecordedCrew()


@pytest.fixture
def fleet(store: LocalStore, crew: RecordedCrew) -> Fleet:
    return Fleet(store, crew, limit=3)


def test_added_streams_are_watched_and_listed_by_id(fleet: Fleet, crew: RecordedCrew) -> None:
    fleet.add(spec("b"))
    fleet.add(spec("a"))
    assert crew.watched == ["b", "a"]
    assert fleet.specs() == [spec("a"), spec("b")]
    assert fleet.spec("a") == spec("a")


def test_a_second_stream_of_the_same_id_is_refused(fleet: Fleet, crew: RecordedCrew) -> None:
    fleet.add(spec("a"))
    with pytest.raises(StreamExistsError, match="'a' already"):
        fleet.add(spec("a"))
    assert crew.watched == ["a"]


def test_past_the_limit_a_stream_is_refused(fleet: Fleet) -> None:
    for name in "abc":
        fleet.add(spec(name))
    with pytest.raises(OverloadedError, match="the limit is 3"):
        fleet.add(spec("d"))
    fleet.remove("b")
    fleet.add(spec("d"))


def test_nothing_stays_of_a_stream_that_cannot_be_started(fleet: Fleet, crew: RecordedCrew) -> None:
    crew.failure = RuntimeError("no room")
    with pytest.raises(RuntimeError):
        fleet.add(spec("a"))
    assert fleet.specs() == []


def test_a_removed_stream_leaves_nothing_even_if_its_watcher_does_not_answer(
    fleet: Fleet, crew: RecordedCrew, store: LocalStore
) -> None:
    fleet.add(spec("a"))
    store.claim("a")
    crew.failure = NotReadyError("hung")
    fleet.remove("a")
    assert fleet.specs() == []
    assert store.load("a") is None
    with pytest.raises(UnknownStreamError, match="no stream 'a'"):
        fleet.remove("a")


def test_a_new_fleet_watches_what_the_old_one_had(store: LocalStore) -> None:
    Fleet(store, RecordedCrew(), limit=3).add(spec("a"))
    crew = RecordedCrew()
    assert Fleet(store, crew, limit=3).restore() == 1
    assert crew.watched == ["a"]


def test_credentials_are_kept_but_not_shown() -> None:
    assert "secret" in spec("a").url
    assert "secret" not in spec("a").shown_url


@pytest.mark.parametrize("good", ["a", "gate-3", "A.b_c-9", "x" * 64])
def test_stream_ids_accepted(good: str) -> None:
    assert check_stream_id(good) == good


@pytest.mark.parametrize("bad", ["", "-a", ".a", "a b", "a/b", "ä", "x" * 65, "a\n"])
def test_stream_ids_refused(bad: str) -> None:
    with pytest.raises(InvalidStreamIdError, match="accepted: 1 to 64"):
        check_stream_id(bad)
