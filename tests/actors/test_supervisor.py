"""Rounds of the supervisor, with watchers that crash, hang, and were never wanted."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fleets import House, spec

from flashstream.actors.crash_loop import CrashLoop
from flashstream.actors.spec import StreamSpec, StreamState
from flashstream.errors import FlashstreamError
from flashstream.telemetry import STREAMS


@pytest.fixture
def house() -> House:
    return House()


def filled(house: House, *streams: str) -> House:
    house.look()
    for stream in streams:
        house.fleet.add(spec(stream))
    house.look(3)
    return house


def test_streams_are_spread_over_the_nodes(house: House) -> None:
    filled(house, *"abcd")
    assert sorted(node for _, node in house.crew.starts) == ["node-a"] * 2 + ["node-b"] * 2


def test_a_new_supervisor_adopts_what_runs_and_restarts_nothing(house: House) -> None:
    filled(house, *"abc")
    before = list(house.crew.starts)
    house.reopen()
    house.look(3)
    assert house.crew.starts == before
    assert house.crew.stops == []
    assert house.told("a").state is StreamState.LIVE


def test_a_watcher_that_nobody_wants_is_ended(house: House) -> None:
    house.crew.start(spec("orphan"), None, alone=False)
    house.look()
    assert house.crew.stops == ["orphan"]
    assert house.fleet.statuses() == []


@pytest.mark.parametrize("loss", ["away", "empty"])
def test_nobody_is_ended_because_the_registry_was_lost(house: House, loss: str) -> None:
    filled(house, "a", "b")
    if loss == "away":
        house.store.away = True
    else:
        for stream in "ab":
            house.store.remove_stream(stream)
    house.crew.crash("a")
    house.look(5)
    assert sorted(house.crew.running) == ["a", "b"]  # and what was wanted is started again
    assert house.crew.stops == []


def test_nobody_is_ended_before_the_registry_was_read(house: House) -> None:
    filled(house, "a")
    house.store.away = True
    house.reopen()
    house.look(3)
    assert house.crew.stops == []


def test_while_the_cluster_does_not_answer_nothing_is_counted_against_a_stream(
    house: House,
) -> None:
    filled(house, "a")
    house.crew.away = True
    house.look(100)
    house.crew.away = False
    house.look()
    assert house.crew.starts == [("a", "node-a")]
    assert house.told("a").state is StreamState.LIVE


def test_a_first_crash_is_told_and_mended_in_the_round_that_finds_it(house: House) -> None:
    filled(house, "a", "b")
    house.crew.crash("a", "killed by signal 9")
    house.look()
    assert house.told("a").reason == "crashed: killed by signal 9; is being started again"
    house.look()
    assert house.told("a").state is StreamState.LIVE
    assert house.restarts("crashed") == 1
    assert house.told("b").state is StreamState.LIVE


def test_what_crashes_again_is_started_alone(house: House) -> None:
    filled(house, "a", "b")
    house.crew.crash("a")
    house.look()
    assert house.crew.alone == []
    house.crew.crash("a")
    for _ in range(5):
        house.look()
    assert house.crew.alone == ["a"]


def test_a_crash_loop_is_tried_less_and_less_often_and_says_so(house: House) -> None:
    filled(house, "a")
    house.crew.crash("a", "out of memory")
    starts: list[float] = []
    for _ in range(1500):
        known = len(house.crew.starts)
        house.look()
        if len(house.crew.starts) > known:
            starts.append(house.now)
            house.crew.crash("a", "out of memory")
    pauses = [round(later - earlier) for earlier, later in pairwise(starts)]
    assert pauses[:6] == sorted(pauses[:6])
    assert max(pauses) <= 302
    assert len(starts) < 16
    status = house.told("a")
    assert status.state is StreamState.FAILED
    assert "times in" in status.reason
    assert "out of memory; next attempt in" in status.reason


def test_a_watcher_that_ran_well_begins_again_with_short_pauses() -> None:
    loop = CrashLoop(jitter=lambda: 1.0)
    for now in (1.0, 2.0, 3.0, 4.0):
        loop.crashed(now - 0.5, now, "boom")
    assert loop.next_s == 4.0 + 4.0
    assert loop.reason(5.0) == "crashed 4 times in 3 s: boom; next attempt in 3 s"
    loop.crashed(100.0, 400.0, "boom")
    assert loop.next_s == 400.0


def test_pauses_are_shortened_by_chance_by_no_more_than_half() -> None:
    for _ in range(50):
        loop = CrashLoop()
        loop.crashed(0.0, 10.0, "boom")
        loop.crashed(10.0, 20.0, "boom")
        assert 20.5 <= loop.next_s <= 21.0


def test_a_watcher_that_gives_no_answer_is_ended_and_started_again(house: House) -> None:
    filled(house, "a", "b")
    house.crew.running["a"].hung = True
    house.look(25)
    assert house.crew.stops == []
    house.look(10)
    assert house.crew.stops == ["a"]
    house.look(3)
    assert house.told("a").state is StreamState.LIVE
    assert house.restarts("silent") == 1


def test_one_stream_that_cannot_be_started_holds_up_no_other(house: House) -> None:
    house.crew.broken = {"a"}
    filled(house, *"abcdef")
    assert sorted(house.crew.running) == list("bcdef")
    house.look(10)
    assert house.told("a").state is StreamState.FAILED
    assert "could not be started: no room" in house.told("a").reason
    house.crew.broken = set()
    house.look(20)
    assert house.told("a").state is StreamState.LIVE


def test_only_so_many_are_started_side_by_side(house: House) -> None:
    house.look()
    for number in range(10):
        house.fleet.add(spec(f"s{number}"))
    house.look()
    assert len(house.crew.starts) == 4
    for entry in house.crew.running.values():
        entry.hung = True  # those that never come up hold up the others for a while only
    house.look(20)
    assert len(house.crew.starts) == 4
    assert "waits for others" in house.told("s9").reason
    house.look(40)
    assert len(house.crew.starts) >= 8


def test_a_drained_node_is_emptied_one_stream_at_a_time(house: House) -> None:
    filled(house, *"abcd")
    house.fleet.drain("node-a")
    moved = []
    for _ in range(10):
        before = len(house.crew.moves)
        house.look()
        moved.append(len(house.crew.moves) - before)
        assert len(house.crew.running) == 4  # none waits for another's move
    assert max(moved) == 1
    assert {entry.node for entry in house.crew.running.values()} == {"node-b"}
    assert house.restarts("moved") == 2
    house.fleet.add(spec("e"))
    house.look(2)
    assert house.crew.running["e"].node == "node-b"
    house.fleet.undrain("node-a")
    house.fleet.add(spec("f"))
    house.look(2)
    assert house.crew.running["f"].node == "node-a"


def test_what_a_stream_sees_while_it_is_moved_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(house, "a", "b")
    move, told = house.crew.move, []

    def slowly(spec: StreamSpec, node: str) -> None:
        old = house.crew.running[spec.id]
        old.memory_bytes = 7
        house.look()
        told.append(house.told(spec.id))
        move(spec, node)
        house.crew.running[spec.id].memory_bytes = 8
        house.look()
        told.append(house.told(spec.id))  # the new one is heard when the move is over

    monkeypatch.setattr(house.crew, "move", slowly)
    house.fleet.drain("node-a")
    house.look()
    assert [(status.memory_bytes, status.node) for status in told] == [(7, "node-a")] * 2
    house.look(2)
    after = house.told(told[0].spec.id)
    assert (after.memory_bytes, after.node) == (8, "node-b")


def nodes_of(house: House) -> list[int]:
    return sorted(node.streams for node in house.fleet.nodes())


def test_a_node_that_joins_takes_its_share_one_stream_at_a_time(house: House) -> None:
    house.crew.node_ids = ["node-a"]
    filled(house, *"abcdef")
    house.crew.node_ids = ["node-a", "node-b"]
    house.look(60)
    assert house.crew.moves == []  # it may be gone again in a moment
    moved = []
    for _ in range(20):
        before = len(house.crew.moves)
        house.look()
        moved.append(len(house.crew.moves) - before)
        assert len(house.crew.running) == 6
    assert (sum(moved), max(moved)) == (3, 1)
    assert nodes_of(house) == [3, 3]
    house.look(200)
    assert len(house.crew.moves) == 3


def test_nodes_that_differ_by_a_tenth_are_left_so(house: House) -> None:
    house.crew.node_ids = ["node-a"]
    filled(house, *(f"s{number}" for number in range(20)))
    house.look(10)
    house.crew.node_ids = ["node-a", "node-b"]
    for number in range(18):
        house.fleet.add(spec(f"t{number}"))
    house.look(200)
    assert nodes_of(house) == [18, 20]
    assert house.crew.moves == []


def test_one_stream_more_on_a_node_goes_to_and_fro_for_nothing(house: House) -> None:
    filled(house, *"abc")
    house.look(300)
    assert nodes_of(house) == [1, 2]
    assert house.crew.moves == []


def test_what_crashed_and_came_up_elsewhere_moves_nobody(house: House) -> None:
    filled(house, *"abcd")
    for _ in range(10):
        house.crew.crash("a")
        house.look(100)
        assert nodes_of(house) == [2, 2]
    assert house.crew.moves == []


def test_a_move_that_fails_is_tried_again_after_a_minute(house: House) -> None:
    house.crew.node_ids = ["node-a"]
    filled(house, *"ab")
    house.crew.node_ids = ["node-a", "node-b"]
    move = house.crew.move
    tried: list[float] = []
    house.crew.move = lambda *_: tried.append(house.now)  # type: ignore[method-assign]
    house.look(200)
    assert [round(later - earlier) for earlier, later in pairwise(tried)] == [61, 61]
    house.crew.move = move  # type: ignore[method-assign]
    house.look(62)
    assert nodes_of(house) == [1, 1]


def test_a_node_that_is_the_only_one_is_not_emptied(house: House) -> None:
    house.crew.node_ids = ["node-a"]
    filled(house, "a")
    house.fleet.drain("node-a")
    house.look(5)
    assert house.crew.moves == []
    assert [node.streams for node in house.fleet.nodes()] == [1]


def test_a_deletion_that_the_store_interrupts_is_completed_later(house: House) -> None:
    filled(house, "a")
    house.store.claim("a")
    delete, house.store.delete = house.store.delete, _away  # type: ignore[method-assign]
    with pytest.raises(FlashstreamError):
        house.fleet.remove("a")
    house.look(2)
    assert house.fleet.statuses() == []
    assert house.store.streams()["a"]["removed"]
    house.store.delete = delete  # type: ignore[method-assign]
    house.look(2)
    assert house.store.streams() == {}


def _away(stream: str) -> None:
    raise FlashstreamError("away")


def test_streams_are_counted_by_state(house: House) -> None:
    filled(house, *"abc")
    house.fleet.change("a", {"paused": True})
    house.look()
    counts = {
        state: house.telemetry.registry.get_sample_value(STREAMS.name, {"state": state.value})
        for state in StreamState
    }
    assert counts[StreamState.LIVE] == 2
    assert counts[StreamState.PAUSED] == 1
    assert counts[StreamState.FAILED] == 0


STREAM = st.sampled_from("abcdef")
NODE = st.sampled_from(["node-a", "node-b"])
EVENT = st.one_of(
    st.tuples(st.sampled_from(["add", "remove", "crash", "hang", "pause", "orphan"]), STREAM),
    st.tuples(st.sampled_from(["drain", "undrain"]), NODE),
    st.tuples(
        st.sampled_from(["store away", "store back", "cluster away", "cluster back", "fleet dies"]),
        st.just(""),
    ),
    st.tuples(st.just("look"), st.sampled_from(["1", "40"])),
)


def befall(house: House, event: str, subject: str) -> None:
    crew, fleet = house.crew, house.fleet
    if event == "add":
        fleet.add(spec(subject))
    elif event == "remove":
        fleet.remove(subject)
    elif event == "pause":
        fleet.change(subject, {"paused": True})
    elif event == "crash":
        crew.crash(subject)
    elif event == "hang" and subject in crew.running:
        crew.running[subject].hung = True
    elif event == "orphan" and subject not in crew.running:
        crew.start(spec(subject, generation=0), None, alone=False)
    elif event in ("drain", "undrain"):
        getattr(fleet, event)(subject)
    elif event.startswith("store"):
        house.store.away = event.endswith("away")
    elif event.startswith("cluster"):
        crew.away = event.endswith("away")
    elif event == "fleet dies":
        house.reopen()
    elif event == "look":
        house.look(2, float(subject))


@settings(max_examples=100)
@given(st.lists(EVENT, max_size=30))
def test_whatever_befalls_in_the_end_what_is_wanted_runs_once(
    events: list[tuple[str, str]],
) -> None:
    """That no stream ever has two watchers, the crew itself asserts."""
    house = House()
    house.look()
    for event, subject in events:
        try:
            befall(house, event, subject)
        except FlashstreamError:
            continue  # refused, and said so
    house.store.away = house.crew.away = False
    for node in ("node-a", "node-b"):
        house.look(2)
        house.fleet.undrain(node)
    house.look(20, 40.0)
    wanted = {status.spec.id: status.spec for status in house.fleet.statuses()}
    assert {stream: entry.spec for stream, entry in house.crew.running.items()} == wanted
    assert not any(entry.hung for entry in house.crew.running.values())
    assert {s.state for s in house.fleet.statuses()} <= {StreamState.LIVE, StreamState.PAUSED}
    assert house.store.streams().keys() - {"~nodes"} == wanted.keys()
