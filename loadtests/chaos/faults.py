"""The faults: what each breaks, how it is mended, and what it means to be back."""

import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import psutil

from flashstream.demo.rtsp import RtspServer
from flashstream.errors import FlashstreamError, NotReadyError
from flashstream.loadtests.ages import as_of_s
from flashstream.loadtests.chaos.nodes import CLOCK_READ_S, TwoNodes, own_processes
from flashstream.loadtests.chaos.store import ChaosStore
from flashstream.loadtests.service import Service, titled, until
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Commit, StoredMemory

_LOOK_S: Final = 0.05
_BACK_S: Final = 90.0
_STEP_S: Final = 30


@dataclass(slots=True)
class Field:
    """All that faults are made on. accepted: writes of a superseded owner that the store took."""

    service: Service
    store: ChaosStore
    cameras: RtspServer
    nodes: TwoNodes
    streams: tuple[str, ...]
    random: random.Random
    accepted: int = 0

    def any_stream(self) -> str:
        """One of them."""
        return self.random.choice(self.streams)

    def processes(self, title: str) -> list[psutil.Process]:
        """Of the service and both nodes, those whose title begins so."""
        return titled(own_processes(), title)


def actor_killed(field: Field) -> float:
    """SIGKILL of the process that watches one stream."""
    stream = field.any_stream()

    def watching() -> psutil.Process | None:
        with suppress(FlashstreamError, psutil.Error), field.service.client(10.0) as client:
            pid = client.stream(stream)["pid"]
            return psutil.Process(pid) if pid else None
        return None

    return _killed(field, until(watching, _BACK_S, _LOOK_S))


def encoder_killed(field: Field) -> float:
    """SIGKILL of the shared encoder."""
    return _killed(field, _one(field, "ray::EncoderActor"))


def node_killed(field: Field) -> float:
    """SIGKILL of all that runs on the second node: until every stream is watched again.

    Another node takes its place afterwards.
    """
    since, began = time.time(), field.nodes.kill()
    took = _until(lambda: _watched(field, field.streams, since), began)
    field.nodes.replace()
    return took


def supervisor_killed(field: Field) -> float:
    """SIGKILL of the fleet: until it tells of its streams again."""
    supervisor = _one(field, "ray::FleetActor")
    began = _kill(supervisor)
    return _until(lambda: _listed(field) == len(field.streams), began)


def answerer_killed(field: Field) -> float:
    """SIGKILL of the answerer's replica: until a question is answered."""
    began = _kill(_one(field, "ray::ServeReplica:flashstream:answerer"))
    stream = field.any_stream()
    return _until(lambda: _answered(field, stream), began)


def store_killed(field: Field) -> float:
    """SIGKILL of the store, and its start a second later: until every stream commits again."""
    return _withheld(field, lambda dead: field.store.kill() if dead else field.store.start(), 1.0)


def store_frozen(field: Field) -> float:
    """The store stops for five seconds, with its connections open."""
    return _withheld(field, field.store.freeze, 5.0)


def network_cut(field: Field) -> float:
    """The network between the streams and the store loses every packet for five seconds."""
    return _withheld(field, field.store.cut, 5.0)


def disk_full(field: Field) -> float:
    """The store's disk has no room for four seconds."""
    return _withheld(field, lambda full: field.store.fill() if full else field.store.clear(), 4.0)


def camera_flapped(field: Field) -> float:
    """A camera is away for two seconds: until it is watched again after it came back."""
    return _absent(field, field.cameras.unplug, 2.0)


def camera_hung(field: Field) -> float:
    """A camera sends nothing for three seconds, with its connection open."""
    return _absent(field, field.cameras.mute, 3.0)


def clock_stepped(field: Field) -> float:
    """The second node's clock jumps by half a minute, forwards or back, and later is set right: the
    longer of the times until every stream has seen more after a jump.
    """
    took = 0.0
    for offset in (field.random.choice((-_STEP_S, _STEP_S)), 0):
        field.nodes.step(offset)
        began = time.monotonic()
        time.sleep(CLOCK_READ_S)
        took = max(took, _until(partial(_saw_more, field, _seen(field)), began))
    return took


def old_owner(field: Field) -> float:
    """A stream's actor dies, and when its successor has the stream, the dead one's write arrives:
    it must be refused.
    """
    store = RedisStore(field.store.url)
    try:
        before = _owners(store, field.streams)
        took = actor_killed(field)
        after = _owners(store, field.streams)
        replaced = [name for name in before if after[name].epoch > before[name].epoch]
        if not replaced:
            raise NotReadyError("no stream has another owner, although an actor was killed")
        for name in replaced:
            late = after[name].version + 1_000_000  # newer than anything its successor has
            answer = store.commit(name, before[name].epoch, late, {"meta": b"an old owner's"})
            field.accepted += answer is Commit.COMMITTED
    finally:
        store.close()
    return took


FAULTS: Final[dict[str, tuple[Callable[[Field], float], int]]] = {
    "actor_killed": (actor_killed, 14),
    "encoder_killed": (encoder_killed, 6),
    "node_killed": (node_killed, 4),
    "supervisor_killed": (supervisor_killed, 5),
    "answerer_killed": (answerer_killed, 3),
    "store_killed": (store_killed, 6),
    "store_frozen": (store_frozen, 5),
    "network_cut": (network_cut, 5),
    "disk_full": (disk_full, 3),
    "camera_flapped": (camera_flapped, 7),
    "camera_hung": (camera_hung, 4),
    "old_owner": (old_owner, 5),
    "clock_stepped": (clock_stepped, 4),
}
"""By kind: what does it, and how often. Each returns the seconds until all was well again."""


def _one(field: Field, title: str) -> psutil.Process:
    """One of the processes of that title, once there is one."""
    found: list[psutil.Process] = until(lambda: field.processes(title), _BACK_S, _LOOK_S)
    return field.random.choice(found)


def _kill(process: psutil.Process) -> float:
    began = time.monotonic()
    process.send_signal(signal.SIGKILL)
    return began


def _killed(field: Field, process: psutil.Process) -> float:
    since, began = time.time(), _kill(process)
    return _until(lambda: _watched(field, field.streams, since), began)


def _withheld(field: Field, withhold: Callable[[bool], None], seconds: float) -> float:
    withhold(True)
    try:
        time.sleep(seconds)
        before = _durable(field)
    finally:
        withhold(False)
    return _until(lambda: _committed(field, before), time.monotonic())


def _absent(field: Field, away: Callable[[str, bool], None], seconds: float) -> float:
    stream = field.any_stream()
    away(stream, True)
    try:
        time.sleep(seconds)
    finally:
        away(stream, False)
    since, began = time.time(), time.monotonic()
    return _until(lambda: _watched(field, [stream], since), began)


def _until(well: Callable[[], bool], began: float) -> float:
    """Seconds from `began` until it is well; `NotReadyError` if it does not become so."""

    def quiet() -> bool:
        with suppress(FlashstreamError, psutil.Error):
            return well()
        return False

    until(quiet, _BACK_S, _LOOK_S)
    return time.monotonic() - began


def _streams(field: Field) -> list[dict[str, Any]]:
    """One by one: a list is as the fleet saw them in its last round."""
    with field.service.client(10.0) as client:
        return [client.stream(name) for name in field.streams]


def _listed(field: Field) -> int:
    with field.service.client(10.0) as client:
        return len(client.streams())


def _durable(field: Field) -> dict[str, int]:
    return {stream["id"]: stream["durable_version"] for stream in _streams(field)}


def _watched(field: Field, names: Sequence[str], since_s: float) -> bool:
    """Each of these is live, and has a frame in memory that is younger than Unix time `since_s`."""
    now = {stream["id"]: stream for stream in _streams(field)}
    return all(now[name]["state"] == "live" and as_of_s(now[name]) > since_s for name in names)


def _seen(field: Field) -> dict[str, int]:
    return {stream["id"]: stream["frames_seen"] for stream in _streams(field)}


def _saw_more(field: Field, before: dict[str, int]) -> bool:
    now = {stream["id"]: stream for stream in _streams(field)}
    return all(
        now[name]["state"] == "live" and now[name]["frames_seen"] > before[name] + 1
        for name in field.streams
    )


def _committed(field: Field, before: dict[str, int]) -> bool:
    now = _durable(field)
    return all(now[name] > before[name] for name in field.streams)


def _owners(store: RedisStore, streams: Sequence[str]) -> dict[str, StoredMemory]:
    found = {name: store.load(name) for name in streams}
    return {name: stored for name, stored in found.items() if stored is not None}


def _answered(field: Field, stream: str) -> bool:
    with field.service.client(30.0) as client:
        return bool(client.ask(stream, "What does the camera show now?", max_tokens=8)["answer"])
