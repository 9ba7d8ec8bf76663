"""The fleet on a real Ray cluster of two nodes, with a real store and films for cameras.

The encoder alone is a blank one: what is seen is of no interest here; who watches is.
"""

import asyncio
import os
import signal
import time
from collections.abc import Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import psutil
import pytest
import ray
from ray.cluster_utils import Cluster
from ray.exceptions import ActorDiedError
from support.blank_encoder import BlankEncoder, pid

from flashstream.actors.carriers import Known
from flashstream.actors.clients import (
    ENCODER,
    FLEET,
    CarrierClient,
    FleetClient,
    StreamClient,
    actor_named,
)
from flashstream.actors.ray_actors import StreamActor, start_fleet, stop_all
from flashstream.actors.ray_crew import RayCrew
from flashstream.actors.spec import StreamSpec, StreamState, StreamStatus
from flashstream.config import Settings, load
from flashstream.deployments.watchers import Watchers
from flashstream.errors import NotReadyError, UnknownStreamError
from flashstream.loadtests.service import until
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.open import open_store
from flashstream.memory_store.store import Store

pytestmark = pytest.mark.timeout(180)

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with av.open(str(path), "w") as out:
        track = out.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for number in range(20):
            picture = np.full((48, 64, 3), 10 * number, dtype=np.uint8)
            out.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(track.encode(None))
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        overrides = {
            "store.redis_url": server.url,
            "streams.commit_interval_s": 0.2,
            "streams.rebalance_after_s": 3.0,
        }
        yield load(overrides=overrides, environ={})


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings.store_url())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def fleet(settings: Settings) -> Iterator[FleetClient]:
    node = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    cluster.add_node(**node)
    cluster.wait_for_nodes()
    ray.init(
        address=cluster.address,
        namespace=settings.ray.namespace,
        runtime_env={"env_vars": {"PYTHONPATH": f"{TESTS}:{os.environ.get('PYTHONPATH', '')}"}},
        log_to_driver=False,
        configure_logging=False,
    )
    ray.remote(BlankEncoder).options(name=ENCODER, lifetime="detached", num_cpus=0).remote()
    client = start_fleet(settings)
    client.wait_ready(60)
    yield client
    stop_all(settings)
    ray.shutdown()
    cluster.shutdown()


class Streams:
    """What these tests ask of the fleet, one call after another."""

    def __init__(self, fleet: FleetClient, settings: Settings, film: Path) -> None:
        self.fleet, self.settings, self.film = fleet, settings, film
        self.namespace = settings.ray.namespace
        self.watchers = Watchers(self.namespace, lambda: fleet)

    def done(self, call: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(call)

    def spec(self, stream: str) -> StreamSpec:
        return StreamSpec(stream, str(self.film), 5.0, time.time(), live=True, loop=True)

    def told(self, stream: str) -> StreamStatus:
        found: StreamStatus = self.done(self.fleet.status(stream))
        return found

    def newest_s(self, stream: str) -> float | None:
        """Unix time of the newest frame that its watcher has, if there is one just now. The fleet
        tells, while a stream is moved, what it heard before that."""
        try:
            found = self.done(self.watchers.call(stream, lambda client: client.status()))
        except NotReadyError:
            return None
        return cast(StreamStatus, found).as_of_s

    def live(self, *streams: str) -> bool:
        return all(self.told(stream).state is StreamState.LIVE for stream in streams)

    def handle(self, stream: str) -> Any:
        return actor_named(self.done(self.fleet.where(stream)), self.namespace)

    def client(self, stream: str) -> StreamClient:
        return CarrierClient(self.handle(stream)).stream(stream)

    def process(self, stream: str) -> psutil.Process:
        return psutil.Process(until(lambda: self.told(stream).pid))

    def fleet_process(self) -> psutil.Process:
        actor = ray.get_actor(FLEET, namespace=self.namespace)
        return psutil.Process(ray.get(actor.__ray_call__.remote(pid), timeout=20))

    def next_fleet(self) -> None:
        """Wait until a fleet that follows a dead one knows both streams."""

        def back() -> bool:
            try:
                return self.live("a", "b") and self.told("a").node != ""
            except Exception:
                return False

        until(back, 60)


@pytest.fixture(scope="module")
def streams(fleet: FleetClient, settings: Settings, film: Path) -> Streams:
    """Two live streams on two nodes."""
    made = Streams(fleet, settings, film)
    for stream in ("a", "b"):
        made.done(fleet.add(made.spec(stream)))
    until(lambda: made.live("a", "b"), 60)
    return made


def test_when_the_fleet_is_killed_the_next_adopts_all_and_restarts_none(
    streams: Streams,
) -> None:
    before = {stream: streams.process(stream) for stream in ("a", "b")}
    killed = streams.fleet_process()
    killed.kill()
    streams.next_fleet()
    assert streams.fleet_process() != killed
    time.sleep(1.5)  # a round, in which it would end or start what it does not know
    assert {stream: streams.process(stream) for stream in before} == before


def test_a_killed_watcher_is_started_again_with_its_memory(streams: Streams) -> None:
    before = streams.told("a")
    killed = streams.process("a")
    killed.send_signal(signal.SIGKILL)
    killed.wait(10)
    until(lambda: not streams.live("a"))
    until(lambda: streams.live("a"), 30)
    assert streams.told("a").frames_seen > before.durable_version
    assert streams.process("a") != killed


def another_crew(settings: Settings) -> RayCrew:
    """As of a fleet that died: it has looked around once, all processes having answered."""
    crew = RayCrew(settings, StreamActor, changed=lambda: None)

    def looked() -> bool:
        try:
            crew.watchers()
        except NotReadyError:
            return False
        return True

    until(looked)
    return crew


def seat(crew: RayCrew, spec: StreamSpec, *, waits: bool = False) -> Known:
    """Have a process watch a stream, behind the fleet's back: which may just end that process, as
    one spare too many."""

    def seated() -> Known | None:
        try:
            return crew._seat(spec, None, alone=False, waits=waits)
        except NotReadyError:
            crew.watchers()
            return None

    known: Known = until(seated)
    return known


def carried(known: Known) -> set[str]:
    """By that process, also after its end."""
    try:
        return set(ray.get(known.client.ask_status(), timeout=5).streams)
    except ActorDiedError:
        return set()


def test_a_watcher_of_no_stream_is_ended(streams: Streams) -> None:
    crew = another_crew(streams.settings)
    known = seat(crew, streams.spec("orphan"))
    assert "orphan" in carried(known)
    until(lambda: not carried(known), 30)
    with pytest.raises(UnknownStreamError):
        streams.told("orphan")


def test_a_successor_that_a_dead_fleet_left_waiting_is_ended(streams: Streams) -> None:
    before = streams.process("a")
    crew = another_crew(streams.settings)
    left = seat(crew, streams.spec("a"), waits=True)
    until(lambda: not carried(left), 30)
    assert streams.process("a") == before
    assert streams.live("a")


def test_of_two_watchers_of_one_stream_the_superseded_one_is_ended(streams: Streams) -> None:
    """A fleet dies after it told a process to watch, before that process said so."""
    before = streams.told("a")
    dies = streams.fleet_process()
    # It does nothing from here on: the first would be found superseded, and the stream be started a
    # third time, by one that does not know of the second yet.
    dies.suspend()
    try:
        crew = another_crew(streams.settings)
        first = crew._carriers.of("a")
        assert first is not None
        second = seat(crew, streams.spec("a"))
    finally:
        dies.kill()
    until(lambda: not carried(first), 60)
    streams.next_fleet()
    until(lambda: streams.live("a") and streams.told("a").epoch > before.epoch, 30)
    assert carried(second) == {"a"}
    assert streams.told("a").frames_seen >= before.durable_version


def test_a_paused_stream_answers_from_its_memory_and_sees_nothing_new(streams: Streams) -> None:
    streams.done(streams.fleet.change("b", {"paused": True}))
    until(lambda: streams.told("b").state is StreamState.PAUSED)
    client = streams.client("b")
    seen = until(lambda: streams.done(client.snapshot())).version
    assert seen > 0
    until(lambda: streams.told("b").durable_version == streams.told("b").memory_version)
    paused = streams.told("b")
    assert paused.durable_as_of_s == paused.as_of_s
    time.sleep(0.6)  # three sampling periods
    assert streams.done(client.snapshot()).version == paused.memory_version
    streams.done(streams.fleet.change("b", {"paused": False, "labels": {"site": "x"}}))
    until(lambda: streams.told("b").frames_seen > paused.frames_seen)
    assert streams.told("b").spec.labels == {"site": "x"}


def test_a_drained_node_is_emptied_without_a_long_gap_and_gets_its_share_back(
    streams: Streams,
) -> None:
    """Without one 5 s longer than the stream that stays has by the same looks: a machine that is
    busy with other tests holds up both."""
    before = {stream: streams.told(stream) for stream in ("a", "b")}
    nodes = streams.done(streams.fleet.nodes())
    full = max(nodes, key=lambda node: node.streams)
    newest = {stream: until(partial(streams.newest_s, stream)) for stream in before}
    streams.done(streams.fleet.drain(full.node.id))
    gaps = dict.fromkeys(before, 0.0)
    emptied_s: list[float] = []

    def emptied_and_seen_again() -> bool:
        for stream, last in newest.items():
            as_of = streams.newest_s(stream) or last
            gaps[stream] = max(gaps[stream], as_of - last)
            newest[stream] = max(last, as_of)
        if full.node.id not in {streams.told(stream).node for stream in before}:
            emptied_s.append(time.time())
        return bool(emptied_s) and min(newest.values()) > emptied_s[0] and streams.live(*before)

    until(emptied_and_seen_again, 60)
    moved = {stream for stream, status in before.items() if status.node == full.node.id}
    held_up = max((gap for stream, gap in gaps.items() if stream not in moved), default=0.0)
    assert moved
    assert max(gaps[stream] for stream in moved) - held_up < 5
    for stream, status in before.items():
        assert streams.told(stream).frames_seen >= status.frames_seen
    assert streams.done(streams.fleet.undrain(full.node.id)).drained_s is None
    seen = {stream: streams.told(stream).frames_seen for stream in before}
    until(lambda: len({streams.told(stream).node for stream in before}) == 2, 60)
    until(lambda: streams.live(*before), 30)
    assert all(streams.told(stream).frames_seen >= seen[stream] for stream in before)


def test_a_stream_whose_watcher_hangs_is_deleted_whole(streams: Streams, store: Store) -> None:
    process = streams.process("b")
    store.put_picture("b", "p", b"jpeg", 600)
    process.suspend()
    streams.done(streams.fleet.remove("b"))
    with pytest.raises(UnknownStreamError):
        streams.told("b")
    assert psutil.wait_procs([process], 10)[1] == []
    assert store.load("b") is None
    assert store.picture("b", "p") is None
    assert "b" not in store.streams()


def keeps_freed(_actor: Any) -> int:
    """Bytes that the process keeps of 64 freed arrays of 1 MiB, with small ones between."""
    np.ones(8 << 20, np.uint8).sum()  # see test_heap.py
    before = psutil.Process().memory_info().rss
    both = [(np.ones(1 << 20, np.uint8), np.ones(4000, np.uint8)) for _ in range(64)]
    small = [each for _, each in both]
    del both
    kept: int = psutil.Process().memory_info().rss - before
    return kept if len(small) == 64 else -1


def test_a_stream_s_process_gives_back_what_it_frees(streams: Streams) -> None:
    until(lambda: streams.live("a"), 30)
    handle = streams.handle("a")
    assert ray.get(handle.__ray_call__.remote(keeps_freed), timeout=20) < 32 << 20


def limit_memory(fleet: Any, limit: int) -> None:
    fleet._supervisor._crew._rss_limit = limit


def test_a_process_that_holds_too_much_is_started_anew_and_says_why(streams: Streams) -> None:
    until(lambda: streams.live("a"), 30)
    before, process = streams.told("a"), streams.process("a")
    fleet = ray.get_actor(FLEET, namespace=streams.namespace)
    ray.get(fleet.__ray_call__.remote(limit_memory, 1 << 20), timeout=20)
    until(lambda: "crashed" in streams.told("a").reason, 30, every_s=0.02)
    assert "streams.process_memory_mb=1" in streams.told("a").reason  # of the very first
    ray.get(fleet.__ray_call__.remote(limit_memory, 4 << 30), timeout=20)
    until(lambda: streams.live("a"), 60)
    assert streams.process("a") != process
    assert streams.told("a").frames_seen >= before.durable_version
