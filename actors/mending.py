"""What the supervisor has done about a stream, each deed taking its time."""

from collections.abc import Callable

import structlog

from flashstream.actors.crew import Crew
from flashstream.actors.post import Post
from flashstream.actors.posts import Posts
from flashstream.actors.registry import Registry
from flashstream.actors.spec import StreamSpec
from flashstream.errors import FlashstreamError
from flashstream.memory_store.store import MemoryStore
from flashstream.telemetry import STREAM_RESTARTS, Telemetry


class Mender:
    """Starts, ends, replaces, moves and removes watchers. Thread-safe, as long as of one stream one
    thing is done at a time (see `Posts.do`).

    clock: seconds that never go back; wall: Unix seconds.
    """

    def __init__(
        self,
        registry: Registry,
        store: MemoryStore,
        crew: Crew,
        telemetry: Telemetry,
        posts: Posts,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._store = store
        self._crew = crew
        self._telemetry = telemetry
        self._posts = posts
        self._clock = clock
        self._wall = wall
        self._log = structlog.get_logger()

    def start(self, spec: StreamSpec, post: Post, node: str | None) -> None:
        try:
            # What keeps crashing shall not take others down with it.
            self._crew.start(spec, node, alone=post.crashes.count > 1)
        except Exception as failure:
            self.lost(spec.id, post, "crashed", f"it could not be started: {failure}")
            return
        if post.restart:
            self._telemetry.add(STREAM_RESTARTS, reason=post.restart)
            post.restart = ""

    def end(self, stream: str, *, write: bool = True) -> None:
        """write: what it has not written yet."""
        try:
            self._crew.stop(stream, write=write)
        except FlashstreamError as failure:
            # A watcher that does not answer is ended all the same.
            self._log.warning("stop_unanswered", stream=stream, error=failure.message)

    def replace(self, stream: str, post: Post, why: str) -> None:
        """End one that is silent; its next start comes with the next round."""
        self.end(stream, write=False)
        self.lost(stream, post, "silent", why)

    def move(self, spec: StreamSpec, post: Post, node: str) -> None:
        self._log.info("watcher_moves", stream=spec.id, node=node)
        self._crew.move(spec, node)
        with self._posts.lock:
            post.appear(self._clock(), node)
        self._telemetry.add(STREAM_RESTARTS, reason="moved")

    def remove(self, spec: StreamSpec) -> None:
        """End the watcher and delete all that is stored of the stream, its spec at the very end."""
        registered = self._registry.wanted.specs.get(spec.id)
        if registered is None or not registered.removed:
            return  # done by another thread meanwhile, and maybe added again since
        self.end(spec.id, write=False)
        self._store.delete(spec.id)
        self._registry.remove(spec.id)
        self._posts.forget(spec.id)

    def lost(self, stream: str, post: Post, restart: str, why: str) -> None:
        """Its watcher is no more; `restart` is what the next start counts as."""
        with self._posts.lock:
            post.vanish(restart)
            post.crashed(self._clock(), self._wall(), why)
        self._log.warning("watcher_lost", stream=stream, reason=why, crashes=post.crashes.count)
