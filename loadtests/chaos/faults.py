"""The faults: what each breaks, how it is mended, and what it means to be back."""

import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import psutil

from flashstream.errors import NotReadyError
from flashstream.loadtests.chaos.field import Field
from flashstream.loadtests.chaos.nodes import CLOCK_READ_S
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Commit, StoredMemory

_STEP_S: Final = 30


def actor_killed(field: Field) -> float:
    """SIGKILL of the process that watches one stream."""
    return _killed(field, field.watcher())


def encoder_killed(field: Field) -> float:
    """SIGKILL of the shared encoder."""
    return _killed(field, field.process("ray::EncoderActor"))


def node_killed(field: Field) -> float:
    """SIGKILL of all that runs on the second node: until every stream is watched again.

    Another node takes its place afterwards.
    """
    since, began = time.time(), field.nodes.kill()
    took = _until(field, partial(field.watched, field.streams, since), began)
    field.nodes.replace()
    return took


def head_killed(field: Field) -> float:
    """SIGKILL of Ray's GCS, which is started again two seconds later: until every stream is
    watched, one of which has lost its process in between.
    """
    watcher = field.watcher()
    field.nodes.behead(True)
    try:
        since = time.time()
        _kill(watcher)
        time.sleep(2.0)
    finally:
        field.nodes.behead(False)
    return _until(field, partial(field.watched, field.streams, since), time.monotonic())


def supervisor_killed(field: Field) -> float:
    """SIGKILL of the fleet: until it tells of its streams again."""
    return _until(field, field.listed, _kill(field.process("ray::FleetActor")))


def answerer_killed(field: Field) -> float:
    """SIGKILL of the answerer's replica: until a question is answered."""
    began = _kill(field.process("ray::ServeReplica:flashstream:answerer"))
    return _until(field, partial(field.answered, field.any_stream()), began)


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
        took = max(took, _until(field, partial(field.saw_more, field.seen()), began))
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
    "head_killed": (head_killed, 4),
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


def _kill(process: psutil.Process) -> float:
    began = time.monotonic()
    process.send_signal(signal.SIGKILL)
    return began


def _killed(field: Field, process: psutil.Process) -> float:
    since, began = time.time(), _kill(process)
    return _until(field, partial(field.watched, field.streams, since), began)


def _withheld(field: Field, withhold: Callable[[bool], None], seconds: float) -> float:
    withhold(True)
    try:
        time.sleep(seconds)
        before = field.durable()
    finally:
        withhold(False)
    return _until(field, partial(field.committed, before), time.monotonic())


def _absent(field: Field, away: Callable[[str, bool], None], seconds: float) -> float:
    stream = field.any_stream()
    away(stream, True)
    try:
        time.sleep(seconds)
    finally:
        away(stream, False)
    since, began = time.time(), time.monotonic()
    return _until(field, partial(field.watched, [stream], since), began)


def _until(field: Field, well: Callable[[], bool], began: float) -> float:
    """Seconds from `began` until it is well; `NotReadyError` if it does not become so."""
    field.wait(well)
    return time.monotonic() - began


def _owners(store: RedisStore, streams: Sequence[str]) -> dict[str, StoredMemory]:
    found = {name: store.load(name) for name in streams}
    return {name: stored for name, stored in found.items() if stored is not None}
