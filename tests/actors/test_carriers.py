"""Which process gets a stream, and which of two watchers is the one."""

from typing import Any

import pytest
from support.fleets import spec

from flashstream.actors.carrier import CarrierStatus
from flashstream.actors.carriers import Carriers, Known
from flashstream.actors.clients import CarrierClient
from flashstream.actors.crew import Watcher
from flashstream.actors.spec import StreamState, StreamStatus


def status(stream: str, epoch: int = 1, state: StreamState = StreamState.LIVE) -> StreamStatus:
    return StreamStatus(spec(stream), state, 0.0, "", epoch=epoch)


def known(name: str, node: str = "n", *, ours: bool = True) -> Known:
    return Known(name, CarrierClient(None), node, 0.0, ours=ours)


def hears(carriers: Carriers, process: Known, **streams: StreamStatus | None) -> None:
    carriers.hear(process, CarrierStatus(process.node, dict(streams)))


@pytest.fixture
def carriers() -> Carriers:
    return Carriers(2)


def take(carriers: Carriers, stream: str, node: str | None = "n", **more: Any) -> Known | None:
    return carriers.take(stream, node, **{"alone": False, "waits": False, **more})


def test_the_fullest_that_has_room_is_taken(carriers: Carriers) -> None:
    one, two = known("one"), known("two")
    carriers.add(one)
    carriers.add(two)
    hears(carriers, one)
    hears(carriers, two, a=status("a"))
    assert take(carriers, "b") is two
    assert take(carriers, "c") is one
    assert take(carriers, "d", "elsewhere") is None
    assert take(carriers, "d", None) is one
    assert take(carriers, "e") is None
    assert two.streams == {"a", "b"}


def test_one_that_gives_no_answer_is_taken_last(carriers: Carriers) -> None:
    silent, well = known("silent"), known("well")
    for process in (silent, well):
        carriers.add(process)
        hears(carriers, process)
    hears(carriers, silent, a=status("a"))
    carriers.hear(silent, None)
    assert take(carriers, "b") is well


def test_one_that_shall_be_alone_stays_alone_until_it_leaves(carriers: Carriers) -> None:
    one = known("one")
    carriers.add(one)
    assert take(carriers, "a", alone=True) is one
    carriers.seated("a", one)
    assert take(carriers, "b") is None
    carriers.leave("a", one)
    hears(carriers, one)
    assert take(carriers, "b") is one
    assert take(carriers, "c", alone=True) is None


def test_what_was_found_takes_nothing_before_it_has_said_what_it_has(carriers: Carriers) -> None:
    found = known("found", ours=False)
    carriers.add(found)
    assert carriers.unheard() == [found]
    assert take(carriers, "a") is None
    hears(carriers, found, b=status("b"))
    assert carriers.unheard() == []
    assert take(carriers, "a") is found


def test_an_answer_older_than_the_seat_does_not_make_it_vanish(carriers: Carriers) -> None:
    one = known("one")
    carriers.add(one)
    take(carriers, "a")
    carriers.seated("a", one)
    hears(carriers, one)  # asked before
    assert [each.stream for each in carriers.watchers()[0]] == ["a"]
    assert carriers.watchers() == carriers.watchers()
    assert carriers.watchers()[1] == []
    hears(carriers, one)
    assert carriers.watchers() == ([], [])


def test_an_answer_older_than_the_end_does_not_bring_it_back(carriers: Carriers) -> None:
    one = known("one")
    carriers.add(one)
    hears(carriers, one, a=status("a"))
    carriers.leave("a", one)
    hears(carriers, one, a=status("a"))  # asked before
    assert carriers.watchers() == ([], [])


def test_of_two_the_newer_owner_is_the_one_once_both_have_an_epoch(carriers: Carriers) -> None:
    old, new = known("old"), known("new")
    for process in (old, new):
        carriers.add(process)
    hears(carriers, old, a=status("a", 4))
    hears(carriers, new, a=status("a", 0, StreamState.CONNECTING))
    assert carriers.watchers()[1] == []  # it may claim the memory at any moment
    hears(carriers, new, a=status("a", 5))
    found, doubles = carriers.watchers()
    assert [each.status.epoch for each in found if each.status] == [5]
    assert doubles == [(old, "a")]


def test_one_left_waiting_by_a_dead_fleet_is_ended_but_not_one_that_moves(
    carriers: Carriers,
) -> None:
    old, new = known("old"), known("new", "m")
    carriers.add(old)
    carriers.add(new)
    hears(carriers, old, a=status("a"))
    take(carriers, "a", "m", waits=True)
    carriers.seated("a", new)
    hears(carriers, new, a=None)
    found, doubles = carriers.watchers()
    assert [each.stream for each in found] == ["a"]
    assert doubles == []
    assert carriers.of("a") is old
    carriers.leave("a", old)
    assert carriers.of("a") is None
    carriers.begun("a", new)
    assert carriers.of("a") is new

    left = known("left", ours=False)
    carriers.add(left)
    hears(carriers, left, a=None)
    hears(carriers, new, a=status("a", 2))
    assert carriers.watchers()[1] == [(left, "a")]


def test_a_dead_one_s_streams_are_told_but_not_those_that_only_waited(carriers: Carriers) -> None:
    one = known("one")
    carriers.add(one)
    hears(carriers, one, a=status("a"))
    take(carriers, "b", waits=True)
    carriers.forget(one, "it was killed")
    assert carriers.all() == []
    assert carriers.watchers() == ([Watcher("a", death="it was killed")], [])
    assert carriers.watchers() == ([], [])


def test_one_that_is_closed_is_dead_at_once_for_the_reason_it_was_closed_for(
    carriers: Carriers,
) -> None:
    one = known("one")
    carriers.add(one)
    hears(carriers, one, a=status("a"), b=status("b"))
    carriers.leave("b", one)
    carriers.close(one, "it held too much")
    assert carriers.watchers() == ([Watcher("a", death="it held too much")], [])
    carriers.forget(one, "it was killed")
    assert carriers.watchers() == ([], [])


def test_a_death_is_not_told_of_a_stream_that_another_watches_by_then(carriers: Carriers) -> None:
    one, two = known("one"), known("two")
    carriers.add(one)
    hears(carriers, one, a=status("a"))
    carriers.close(one, "it held too much")
    carriers.add(two)
    hears(carriers, two, a=status("a", epoch=2))
    assert carriers.watchers() == ([Watcher("a", status("a", epoch=2))], [])


def test_spare_ones_are_those_without_a_stream_the_readiest_first(carriers: Carriers) -> None:
    cold, warm, full, away = (known(name) for name in ("cold", "warm", "full", "away"))
    away.node = "elsewhere"
    for process in (cold, warm, full, away):
        carriers.add(process)
    hears(carriers, warm)
    hears(carriers, full, a=status("a"))
    assert carriers.spare("n") == [warm, cold]
    assert carriers.close_spare("n", 1) == [cold]
    assert carriers.spare("n") == [warm]
    assert take(carriers, "b") is not cold
    carriers.add(known("cold"))
    cold = next(each for each in carriers.all() if each.name == "cold")
    carriers.close(warm, "tired")
    assert carriers.spare("n") == [cold]
