"""Makes the running watchers those that are wanted, round after round.

Nothing here is kept anywhere else: what is wanted is in the registry, what runs is in the cluster,
and a new supervisor learns both in its first round.
"""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import structlog

from flashstream.actors.crash_loop import CrashLoop
from flashstream.actors.crew import Crew, Node, Watcher
from flashstream.actors.mending import Mender
from flashstream.actors.moves import Moves
from flashstream.actors.placement import least_loaded
from flashstream.actors.post import Post
from flashstream.actors.posts import Posts
from flashstream.actors.registry import Registry, Wanted
from flashstream.actors.spec import StreamSpec, StreamState, StreamStatus
from flashstream.errors import FlashstreamError, NotReadyError, StoreError
from flashstream.memory_store.store import MemoryStore
from flashstream.telemetry import STREAMS, Telemetry

_FIRST_ANSWER = 4  # times `silent_after_s`: a watcher that starts loads much before it can answer


@dataclass(frozen=True, slots=True)
class SupervisorOptions:
    """See `StreamSettings`."""

    silent_after_s: float
    starting_at_once: int
    rebalance_after_s: float


class Supervisor:
    """One round is `reconcile`; it never waits for a watcher, and no stream's failure ends it.

    What takes time (starting, ending, moving) is given to `pool`, one task of a stream at a time.
    clock: seconds that never go back. Thread-safe; `reconcile` is called by one thread.
    """

    def __init__(
        self,
        registry: Registry,
        store: MemoryStore,
        crew: Crew,
        telemetry: Telemetry,
        pool: Executor,
        options: SupervisorOptions,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        crash_loop: Callable[[], CrashLoop] = CrashLoop,
    ) -> None:
        self._registry = registry
        self._crew = crew
        self._telemetry = telemetry
        self._pool = pool
        self._options = options
        self._clock = clock
        self._wall = wall
        self._posts = Posts(crash_loop)
        self._mender = Mender(registry, store, crew, telemetry, self._posts, clock, wall)
        self._nodes: list[Node] | None = None
        self._moves = Moves(options.rebalance_after_s)
        self._away = ""
        self._log = structlog.get_logger()

    # --- a round -------------------------------------------------------------------------------

    def reconcile(self) -> None:
        """Compare what is wanted with what runs, and begin to mend what differs.

        Does nothing while the cluster does not answer. While the store is away, what was last
        wanted is, but nobody is ended for not being in the registry.
        """
        self._posts.next_round()
        fresh = self._refresh()
        try:
            found = {watcher.stream: watcher for watcher in self._crew.watchers()}
            nodes = self._crew.nodes()
            # After the watchers were listed, so that a stream added meanwhile is no orphan.
            wanted = self._registry.wanted
        except FlashstreamError as failure:
            self._say_away(failure.message)
            return
        self._say_away("")
        with self._posts.lock:
            self._nodes = nodes
            self._compare(wanted, found, fresh)
            tasks = self._posts.take_tasks()
        for task in tasks:
            self._pool.submit(task)

    def _refresh(self) -> bool:
        try:
            self._registry.refresh()
        except StoreError as failure:
            self._log.warning("registry_unread", error=failure.message)
            return False
        except Exception:  # a record that is no JSON, say: what was wanted is known all the same
            self._log.exception("registry_unreadable")
            return False
        return True

    def _say_away(self, reason: str) -> None:
        if reason != self._away:
            self._away = reason
            if reason:
                self._log.warning("cluster_away", error=reason)
            else:
                self._log.info("cluster_back")

    def _compare(self, wanted: Wanted, found: dict[str, Watcher], fresh: bool) -> None:
        homes: dict[str, str] = {}  # of those that are as they should be
        for stream, spec in wanted.specs.items():
            post, watcher = self._posts.of(stream), found.get(stream)
            if self._posts.free(stream):
                try:
                    if self._attend(spec, post, watcher, wanted):
                        homes[stream] = post.node
                except Exception as failure:
                    self._log.exception("stream_not_attended", stream=stream)
                    post.tell(StreamState.FAILED, f"{failure}", self._wall())
            elif watcher is not None and watcher.status is not None:
                post.overhear(watcher.status)
        if fresh:
            for stream in found.keys() - wanted.specs.keys() - wanted.corrupt.keys():
                if self._posts.free(stream) and not found[stream].death:
                    self._log.warning("orphan_ended", stream=stream)
                    self._posts.do(stream, partial(self._mender.end, stream))
        self._posts.keep_only(wanted.specs.keys() | found.keys())
        self._move_one(wanted, homes)
        self._measure(wanted)

    def _attend(
        self, spec: StreamSpec, post: Post, watcher: Watcher | None, wanted: Wanted
    ) -> bool:
        """Whether it is watched as it should be."""
        now, stream = self._clock(), spec.id
        if spec.removed:
            self._posts.do(stream, partial(self._mender.remove, spec))
        elif watcher is None or watcher.death:
            if post.present:
                why = (watcher.death if watcher else "") or "its process ended"
                self._mender.lost(stream, post, "crashed", why)
            self._start_if_due(spec, post, wanted)
        else:
            if not post.present:
                post.appear(now, "")
                self._log.info("watcher_adopted", stream=stream)
            if watcher.status is not None:
                post.hear(watcher.status, now)
                return self._in_step(spec, watcher.status)
            elif now - post.heard_s > self._patience_s(post):
                why = f"it gave no answer for {now - post.heard_s:.0f} s"
                self._posts.do(stream, partial(self._mender.replace, stream, post, why))
        return False

    def _patience_s(self, post: Post) -> float:
        return self._options.silent_after_s * (1 if post.answered else _FIRST_ANSWER)

    def _start_if_due(self, spec: StreamSpec, post: Post, wanted: Wanted) -> None:
        now = self._clock()
        if now < post.crashes.next_s:
            post.tell_crash(now, self._wall())
            return
        starting = sum(
            other.present
            and not other.answered
            and now - other.started_s < self._options.silent_after_s
            for other in self._posts.all()
        )
        if starting >= self._options.starting_at_once:
            post.tell(StreamState.CONNECTING, "waits for others to have started", self._wall())
            return
        node = least_loaded(self._nodes or (), wanted.drained, self._loads())
        if post.restart == "crashed":
            post.tell_crash(now, self._wall())
        else:
            post.tell(StreamState.CONNECTING, "is being started", self._wall())
        post.appear(now, node or "")
        self._posts.do(spec.id, partial(self._mender.start, spec, post, node))

    def _loads(self) -> Counter[str]:
        return Counter(post.node for post in self._posts.all() if post.present)

    def _in_step(self, spec: StreamSpec, status: StreamStatus) -> bool:
        """Whether the watcher has been told what is wanted; otherwise that is set right."""
        if status.spec.generation < spec.generation:
            self._posts.do(spec.id, partial(self._crew.tell, spec))
        elif status.spec.generation > spec.generation:
            # The store lost its last second; what the watcher was told is what is wanted.
            self._posts.do(spec.id, partial(self._registry.put, status.spec))
        return status.spec.generation == spec.generation

    def _move_one(self, wanted: Wanted, homes: dict[str, str]) -> None:
        move = self._moves.next(
            self._clock(), self._nodes or (), wanted.drained, self._loads(), homes
        )
        if move is not None:
            stream, node = move
            spec, post = wanted.specs[stream], self._posts.of(stream)
            self._posts.do(stream, partial(self._mender.move, spec, post, node))

    def _measure(self, wanted: Wanted) -> None:
        states = Counter(status.state for status in self.statuses(wanted))
        for state in StreamState:
            self._telemetry.set(STREAMS, states[state], state=state.value)

    # --- for the fleet -------------------------------------------------------------------------

    def remove(self, spec: StreamSpec) -> None:
        """See `Mender.remove`; waits until nothing else is being done about the stream."""
        with self._posts.held(spec.id):
            self._mender.remove(spec)

    def end_all(self) -> None:
        """End all watchers, side by side; the registry and the memories stay."""
        streams = {watcher.stream for watcher in self._crew.watchers()}
        list(self._pool.map(self._mender.end, sorted(streams)))
        self._crew.close()

    def statuses(self, wanted: Wanted) -> list[StreamStatus]:
        """All streams as they were found in the last round, by id."""
        with self._posts.lock:
            told = [
                self._posts.of(stream).told(spec)
                for stream, spec in wanted.specs.items()
                if not spec.removed
            ]
            told += [
                StreamStatus(
                    StreamSpec(stream, "", 1.0, 0.0), StreamState.FAILED, self._wall(), why
                )
                for stream, why in wanted.corrupt.items()
            ]
        return sorted(told, key=lambda status: status.spec.id)

    def status(self, spec: StreamSpec) -> StreamStatus:
        """One stream as it was found in the last round."""
        with self._posts.lock:
            return self._posts.of(spec.id).told(spec)

    def nodes(self) -> list[Node]:
        """Living nodes; `NotReadyError` before the first round."""
        if self._nodes is None:
            raise NotReadyError("the fleet has not looked around yet; try again")
        return self._nodes
