"""Several streams in one process, each with its own memory, epoch and failure."""

import numpy as np
import pytest
from numpy.typing import NDArray
from support.workers import Bench

from flashstream.actors.carrier import Carrier, NotCarriedError
from flashstream.actors.spec import StreamSpec, StreamState, StreamStatus
from flashstream.errors import FingerprintError
from flashstream.loadtests.service import until
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.store import StoredMemory


@pytest.fixture
def carrier(bench: Bench) -> Carrier:
    return Carrier(bench.make, node="node-a", pid=7)


def spec(bench: Bench, stream: str) -> StreamSpec:
    return bench.spec(id=stream)


def told(carrier: Carrier, stream: str) -> StreamStatus:
    status = carrier.status_of(stream)
    assert status is not None
    return status


def stored(bench: Bench, stream: str) -> StoredMemory:
    memory = bench.store.load(stream)
    assert memory is not None
    return memory


def test_each_stream_has_its_memory_and_its_failure(bench: Bench) -> None:
    def refused() -> MemoryJournal[NDArray[np.float16]]:
        raise FingerprintError("another model's memory")

    carrier = Carrier(
        lambda spec: bench.make(spec, journal=refused if spec.id == "b" else None),
        node="node-a",
        pid=7,
    )
    for stream in ("a", "b"):
        carrier.watch(spec(bench, stream))
    until(lambda: told(carrier, "a").state is StreamState.ENDED)
    until(lambda: told(carrier, "b").state is StreamState.FAILED)
    assert carrier.status().node == "node-a"
    assert {told(carrier, stream).pid for stream in ("a", "b")} == {7}
    assert told(carrier, "a").frames_seen == 40
    assert told(carrier, "b").frames_seen == 0
    assert carrier.worker("a").snapshot().stream == "a"


def test_a_stream_that_is_watched_already_is_left_as_it_is(bench: Bench, carrier: Carrier) -> None:
    carrier.watch(spec(bench, "a"))
    worker = carrier.worker("a")
    carrier.watch(spec(bench, "a"))
    assert carrier.worker("a") is worker
    assert len(bench.workers) == 1


def test_one_that_waits_claims_nothing_until_it_begins(bench: Bench, carrier: Carrier) -> None:
    carrier.watch(spec(bench, "a"), waits=True)
    assert carrier.status().streams == {"a": None}
    assert carrier.status_of("a") is None
    assert carrier.worker("a").status().epoch == 0
    assert bench.store.claim("a") == 1  # another's
    carrier.begin("a")
    carrier.begin("a")
    until(lambda: told(carrier, "a").epoch == 2)


def test_one_that_is_ended_has_written_and_is_known_no_more(bench: Bench, carrier: Carrier) -> None:
    carrier.watch(spec(bench, "a"))
    until(lambda: told(carrier, "a").frames_seen > 0)
    seen = told(carrier, "a").frames_seen
    assert carrier.end("a", write=True)
    assert stored(bench, "a").version >= seen
    with pytest.raises(NotCarriedError, match="'a'"):
        carrier.worker("a")
    assert carrier.status().streams == {}
    assert carrier.end("a", write=True)  # again: nothing


def test_one_that_hangs_is_told_of_and_the_others_go_on(
    bench: Bench, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flashstream.actors.stream._STOP_S", 0.2)
    for stream in ("a", "b"):
        carrier.watch(spec(bench, stream))
    hanging = carrier.worker("a")
    with hanging._keeper._lock:  # as a call that never returns
        until(lambda: told(carrier, "b").state is StreamState.ENDED)
        assert not carrier.end("a", write=False)
    assert told(carrier, "b").frames_seen == 40
