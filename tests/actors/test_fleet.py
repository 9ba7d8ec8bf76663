"""What may be asked of the fleet, on a real in-process store and a crew of entries."""

import pytest
from support.fleets import House, spec

from flashstream.actors.registry import NODES
from flashstream.actors.spec import StreamSpec, StreamState, check_labels, check_stream_id
from flashstream.errors import (
    CorruptRecordError,
    InvalidLabelError,
    InvalidStreamIdError,
    NotReadyError,
    OverloadedError,
    StoreError,
    StreamExistsError,
    UnknownNodeError,
    UnknownStreamError,
)


@pytest.fixture
def house() -> House:
    made = House(limit=3)
    made.look()
    return made


def test_nothing_is_known_before_the_registry_was_read() -> None:
    with pytest.raises(NotReadyError):
        House().fleet.statuses()


def test_added_streams_are_watched_and_listed_by_id(house: House) -> None:
    house.fleet.add(spec("b"))
    house.fleet.add(spec("a"))
    assert house.told("a").state is StreamState.CONNECTING
    house.look(2)
    assert sorted(house.crew.running) == ["a", "b"]
    assert [status.spec for status in house.fleet.statuses()] == [spec("a"), spec("b")]
    assert house.told("a").state is StreamState.LIVE


def test_a_second_stream_of_the_same_id_is_refused(house: House) -> None:
    house.fleet.add(spec("a"))
    with pytest.raises(StreamExistsError, match="'a' already"):
        house.fleet.add(spec("a"))


def test_past_the_limit_a_stream_is_refused_and_the_limit_named(house: House) -> None:
    for name in "abc":
        house.fleet.add(spec(name))
    with pytest.raises(OverloadedError, match=r"the limit is 3.*raise streams.limit"):
        house.fleet.add(spec("d"))
    house.fleet.remove("b")
    house.fleet.add(spec("d"))


def test_past_the_memory_of_all_nodes_a_stream_is_refused_and_the_limit_named() -> None:
    house = House(memory_limit_mb=10)
    house.look()
    for name in "abcd":
        house.fleet.add(spec(name))
    house.look()
    for entry in house.crew.running.values():
        entry.memory_bytes = 4 << 20
    house.look()
    with pytest.raises(
        OverloadedError, match=r"8 MiB of 2 streams.*streams\.memory_limit_mb"
    ) as no:
        house.fleet.add(spec("e"))
    assert no.value.details["nodes"] == {"node-a": 8 << 20, "node-b": 8 << 20}
    house.fleet.remove("a")
    house.fleet.add(spec("e"))
    house.look(2)
    house.fleet.drain(house.crew.running["e"].node)
    house.look(6)
    with pytest.raises(OverloadedError, match="memory_limit_mb"):  # one node takes streams now
        house.fleet.add(spec("f"))


def test_a_removed_stream_leaves_nothing_even_if_its_watcher_hangs(house: House) -> None:
    house.fleet.add(spec("a"))
    house.look(2)
    house.store.claim("a")
    house.store.put_picture("a", "p", b"jpeg", 60)
    house.crew.running["a"].hung = True
    house.fleet.remove("a")
    assert house.fleet.statuses() == []
    assert house.store.streams() == {}
    assert house.store.picture("a", "p") is None
    assert house.crew.running == {}
    with pytest.raises(UnknownStreamError, match="no stream 'a'"):
        house.fleet.remove("a")


def test_a_stream_that_is_added_again_begins_anew(house: House) -> None:
    house.fleet.add(spec("a"))
    house.look(2)
    house.fleet.remove("a")
    told = house.fleet.add(spec("a"))
    assert (told.state, told.frames_seen) == (StreamState.CONNECTING, 0)
    house.look()
    assert house.told("a").reason == "is being started"
    house.look()
    assert house.told("a").state is StreamState.LIVE


def test_a_removal_that_is_interrupted_is_completed_by_the_next_fleet(house: House) -> None:
    house.fleet.add(spec("a"))
    house.look(2)
    house.store.claim("a")
    house.store.put_stream("a", spec("a", generation=2, removed=True).record())
    house.reopen()
    house.look(2)
    assert house.store.streams() == {}
    assert house.crew.running == {}
    assert house.crew.stops == ["a"]


def test_a_change_raises_the_generation_and_reaches_the_watcher(house: House) -> None:
    house.fleet.add(spec("a"))
    house.look(2)
    house.fleet.change("a", {"fps": 2.0, "labels": {"site": "x"}})
    told = house.crew.running["a"].spec
    assert (told.fps, told.labels, told.generation) == (2.0, {"site": "x"}, 2)
    assert house.fleet.change("a", {"fps": 2.0}).spec.generation == 2  # nothing is other
    with pytest.raises(UnknownStreamError):
        house.fleet.change("b", {"paused": True})


def test_a_change_that_does_not_reach_the_watcher_is_told_later(house: House) -> None:
    house.fleet.add(spec("a"))
    house.look(2)
    house.crew.running["a"].hung = True
    house.fleet.change("a", {"paused": True})
    house.crew.running["a"].hung = False
    house.look(2)
    assert house.told("a").state is StreamState.PAUSED
    assert house.crew.starts == [("a", "node-a")]


def test_the_registry_is_told_what_it_lost_of_a_change(house: House) -> None:
    house.fleet.add(spec("a"))
    house.look(2)
    house.fleet.change("a", {"paused": True})
    house.store.put_stream("a", spec("a").record())  # as after a crash that lost the last second
    house.look(2)
    assert house.store.streams()["a"]["paused"] is True


def test_nothing_is_changed_while_the_store_is_away(house: House) -> None:
    house.fleet.add(spec("a"))
    house.look(2)
    house.store.away = True
    for call in (
        lambda: house.fleet.add(spec("b")),
        lambda: house.fleet.change("a", {"paused": True}),
        lambda: house.fleet.remove("a"),
    ):
        with pytest.raises(StoreError):
            call()
    house.look(3)
    assert house.told("a").state is StreamState.LIVE
    assert list(house.crew.running) == ["a"]


def test_a_record_that_cannot_be_read_is_told_and_can_be_removed(house: House) -> None:
    house.store.put_stream("bad", {"id": "bad", "fps": "many"})
    house.fleet.add(spec("good"))
    house.look(2)
    assert list(house.crew.running) == ["good"]
    told = {status.spec.id: status for status in house.fleet.statuses()}
    assert told["bad"].state is StreamState.FAILED
    assert "cannot be read" in told["bad"].reason
    house.fleet.remove("bad")
    assert list(house.store.streams()) == ["good"]


def test_drain_marks_are_kept_beside_the_streams_and_are_no_stream(house: House) -> None:
    house.fleet.add(spec("a"))
    house.fleet.drain("name-node-a")
    assert house.store.streams().keys() == {"a", NODES}
    house.reopen()
    house.look()
    assert [node.drained_s is not None for node in house.fleet.nodes()] == [True, False]
    assert [status.spec.id for status in house.fleet.statuses()] == ["a"]
    house.fleet.undrain("node-a")
    assert [node.drained_s for node in house.fleet.nodes()] == [None, None]


@pytest.mark.parametrize("name", ["node-c", "127.0.0.1", ""])
def test_a_node_is_named_so_that_only_one_is_meant(house: House, name: str) -> None:
    with pytest.raises(UnknownNodeError, match=r"there are: node-a \(name-node-a\)"):
        house.fleet.drain(name)


def test_records_of_an_older_version_are_read() -> None:
    old = {"id": "a", "url": "rtsp://h/a", "fps": 1.0, "created_s": 5.0}
    read = StreamSpec.from_record(old)
    assert (read.labels, read.paused, read.generation) == ({}, False, 1)
    assert StreamSpec.from_record(read.record() | {"of_tomorrow": 1}) == read


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"id": "a"},
        {"id": "~a", "url": "u", "fps": 1.0, "created_s": 0.0},
        {"id": "a", "url": 5, "fps": 1.0, "created_s": 0.0},
        {"id": "a", "url": "u", "fps": "1", "created_s": 0.0},
        {"id": "a", "url": "u", "fps": 1.0, "created_s": 0.0, "labels": ["x"]},
        {"id": "a", "url": "u", "fps": 1.0, "created_s": 0.0, "generation": -1},
    ],
)
def test_broken_records_are_said_to_be(broken: dict[str, object]) -> None:
    with pytest.raises(CorruptRecordError):
        StreamSpec.from_record(broken)


def test_credentials_are_kept_but_not_shown() -> None:
    assert "secret" in spec("a").url
    assert "secret" not in spec("a").shown_url


@pytest.mark.parametrize("good", ["a", "gate-3", "A.b_c-9", "x" * 64])
def test_stream_ids_accepted(good: str) -> None:
    assert check_stream_id(good) == good


@pytest.mark.parametrize("bad", ["", "-a", ".a", "a b", "a/b", "ä", "x" * 65, "a\n", NODES])
def test_stream_ids_refused(bad: str) -> None:
    with pytest.raises(InvalidStreamIdError, match="accepted: 1 to 64"):
        check_stream_id(bad)


def test_labels_accepted() -> None:
    labels = {"app.io/site": "harbour", "x" * 63: "y" * 63, "alone": ""}
    assert check_labels(labels) == labels


@pytest.mark.parametrize(
    "bad",
    [{"": "a"}, {"a b": "c"}, {"a": "ä"}, {"x" * 64: "a"}, {"a": "y" * 64}, {"a": "b\n"}],
)
def test_labels_refused(bad: dict[str, str]) -> None:
    with pytest.raises(InvalidLabelError, match="accepted: keys of 1 to 63"):
        check_labels(bad)


def test_too_many_labels_are_refused() -> None:
    with pytest.raises(InvalidLabelError, match="at most 32"):
        check_labels({f"k{number}": "v" for number in range(33)})
