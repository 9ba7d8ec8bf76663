"""Stream actors of a Ray cluster as the fleet's watchers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ray
import structlog
from ray.exceptions import ActorDiedError, RayError

from flashstream.actors.carrier import CarrierStatus
from flashstream.actors.carriers import Carriers, Known
from flashstream.actors.crash_loop import CrashLoop
from flashstream.actors.crew import Node, Watcher
from flashstream.actors.processes import RayProcesses, why_dead
from flashstream.actors.spec import StreamSpec
from flashstream.config import Settings
from flashstream.errors import FlashstreamError, NotReadyError

_ANSWER_S = 0.5
_STOP_S = 20.0
_READY_S = 90.0
_ADOPTED_S = 10.0


class RayCrew:
    """Detached actors, each a process that carries streams (see `Carrier`), and some spare ones.

    Ray does not restart them: the supervisor does, with its pauses. Two crews of one cluster may
    start a stream twice; then the store lets the later one write, and the other is ended.
    """

    def __init__(self, settings: Settings, actor: type, changed: Callable[[], None]) -> None:
        """actor: the class of a process, made with the settings. changed: called when one ends."""
        self._processes = RayProcesses(settings, actor, changed)
        own = settings.encoder.placement == "own"
        # A spare process would hold its encoder's memory for nothing.
        self._spares = 0 if own else settings.streams.spare_processes
        self._rss_limit = settings.streams.process_memory_mb << 20
        self._carriers = Carriers(settings.streams.per_process)
        self._nodes: list[Node] = []
        self._stillborn = CrashLoop()  # pauses between spare processes that do not come to life
        self._log = structlog.get_logger()

    # --- what there is -------------------------------------------------------------------------

    def watchers(self) -> list[Watcher]:
        """Asks all at once and waits for half a second; later answers count in the next round."""
        with _reported("listing the watchers"):
            for another in self._processes.unknown(self._carriers.knows):
                self._carriers.add(another)
            carriers = self._carriers.all()
            for known in carriers:
                known.asked = known.asked or known.client.ask_status()
            if carriers:
                refs = [known.asked for known in carriers]
                ray.wait(refs, num_returns=len(refs), timeout=_ANSWER_S)
            for known in carriers:
                self._hear(known)
            self._wait_for_adopted()
            found, doubles = self._carriers.watchers()
            for known, stream in doubles:
                self._log.warning("second_watcher_ended", stream=stream)
                known.client.leave(stream)
            self._keep_spares()
            return found

    def _hear(self, known: Known) -> None:
        """Take its answer, if there is one."""
        if not ray.wait([known.asked], timeout=0)[0]:
            self._carriers.hear(known, None)
            return
        asked, known.asked = known.asked, None
        try:
            answer: CarrierStatus = ray.get(asked)
            self._carriers.hear(known, answer)
            if self._rss_limit and answer.rss > self._rss_limit and not known.closing:
                held, limit = answer.rss >> 20, self._rss_limit >> 20
                self._kill(known, f"held {held} MiB of memory; streams.process_memory_mb={limit}")
        except ActorDiedError as death:
            why, expected = why_dead(death), known.closing
            self._carriers.forget(known, why)
            if not known.heard and not expected:
                self._stillborn.crashed(known.since_s, time.monotonic(), why)
                self._log.warning("process_did_not_start", reason=why)
        except (RayError, FlashstreamError):
            self._carriers.hear(known, None)  # cannot be reached just now

    def _wait_for_adopted(self) -> None:
        """What an adopted process watches is not known before it answers: nothing may be started
        until then, or until it is ended because it does not."""
        for known in self._carriers.unheard():
            if time.monotonic() - known.since_s > _ADOPTED_S:
                self._log.warning("silent_process_ended", actor=known.name)
                self._kill(known, "gave no answer to a new fleet")
            else:
                raise NotReadyError(f"the process {known.name} has not said yet what it watches")

    def _keep_spares(self) -> None:
        for node in self._nodes:
            for known in self._carriers.close_spare(node.id, self._spares):
                known.client.kill()
            if (
                len(self._carriers.spare(node.id)) < self._spares
                and time.monotonic() >= self._stillborn.next_s
            ):
                self._carriers.add(self._processes.make(node.id))

    def nodes(self) -> list[Node]:
        with _reported("listing the nodes"):
            self._nodes = [
                Node(node["NodeID"], node["NodeName"], node["NodeManagerAddress"])
                for node in ray.nodes()
                if node["Alive"] and node["Resources"].get("GPU", 0.0) >= self._processes.gpus
            ]
            return self._nodes

    def where(self, stream: str) -> str | None:
        known = self._carriers.of(stream)
        return known.name if known else None

    # --- what is done --------------------------------------------------------------------------

    def start(self, spec: StreamSpec, node: str | None, *, alone: bool) -> None:
        if self._carriers.of(spec.id) is None:
            with _reported(f"starting a watcher of '{spec.id}'"):
                self._seat(spec, node, alone=alone, waits=False)

    def _seat(self, spec: StreamSpec, node: str | None, *, alone: bool, waits: bool) -> Known:
        """Have it watched by a process on that node that has room, or a new one."""
        known = self._carriers.take(spec.id, node, alone=alone, waits=waits)
        if known is None:
            known = self._processes.make(node)
            self._carriers.add_seated(known, spec.id, alone=alone, waits=waits)
        try:
            known.client.watch(spec, waits=waits, timeout_s=_READY_S)
        except Exception:
            self._carriers.leave(spec.id, known)
            if not known.heard:
                self._kill(known, "did not start in time")
            raise
        self._carriers.seated(spec.id, known)
        return known

    def move(self, spec: StreamSpec, node: str) -> None:
        stream = spec.id
        with _reported(f"moving stream '{stream}'"):
            old = self._carriers.of(stream)
            if old is None:
                raise NotReadyError(f"stream '{stream}' is watched nowhere", stream=stream)
            new = self._seat(spec, node, alone=False, waits=True)
            self._leave(stream, old, write=True)
            new.client.begin(stream, _STOP_S)
            self._carriers.begun(stream, new)

    def tell(self, spec: StreamSpec) -> None:
        known = self._carriers.of(spec.id)
        if known is None:
            raise NotReadyError(f"stream '{spec.id}' is being started", stream=spec.id)
        known.client.apply(spec)

    def stop(self, stream: str, *, write: bool) -> None:
        with _reported(f"ending the watcher of '{stream}'"):
            for known in self._carriers.holding(stream):
                self._leave(stream, known, write=write)

    def _leave(self, stream: str, known: Known, *, write: bool) -> None:
        """One that does not end as it should is ended with its process."""
        ended = False
        try:
            if write or known.streams != {stream}:
                ended = known.client.end(stream, write=write, timeout_s=_STOP_S)
        except FlashstreamError as failure:
            self._log.warning("stop_unanswered", stream=stream, error=failure.message)
        self._carriers.leave(stream, known)
        if not ended:
            self._kill(known, f"the watcher of '{stream}' in it did not end")
            self._processes.await_end(known)

    def _kill(self, known: Known, why: str) -> None:
        """Its other streams are found dead, because of that."""
        self._carriers.close(known, why)
        known.client.kill()

    def close(self) -> None:
        with _reported("ending the processes"):
            for known in self._carriers.all():
                self._kill(known, "the service ends")


@contextmanager
def _reported(doing: str) -> Iterator[None]:
    try:
        yield
    except FlashstreamError:
        raise
    except Exception as failure:  # Ray raises many kinds while its head is away
        raise NotReadyError(f"{doing}: the cluster failed: {failure}") from failure
