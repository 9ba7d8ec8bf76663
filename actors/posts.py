"""The supervisor's knowledge of all streams, and one task at a time for each."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import structlog

from flashstream.actors.crash_loop import CrashLoop
from flashstream.actors.post import Post
from flashstream.errors import FlashstreamError, NotReadyError

_HELD_S = 45.0


class Posts:
    """A `Post` for each stream, made when it is first asked for. Thread-safe; hold `lock` to do
    several things at once."""

    def __init__(self, crash_loop: Callable[[], CrashLoop]) -> None:
        self.lock = threading.Condition(threading.RLock())
        self._crash_loop = crash_loop
        self._posts: dict[str, Post] = {}
        self._round = 0
        self._tasks: list[Callable[[], None]] = []
        self._log = structlog.get_logger()

    def of(self, stream: str) -> Post:
        with self.lock:
            if stream not in self._posts:
                self._posts[stream] = Post(self._crash_loop())
            return self._posts[stream]

    def all(self) -> Collection[Post]:
        with self.lock:
            return list(self._posts.values())

    def keep_only(self, streams: Collection[str]) -> None:
        """Forget the others, but for those about which something is being done."""
        with self.lock:
            self._posts = {
                stream: post
                for stream, post in self._posts.items()
                if stream in streams or post.busy
            }

    def forget(self, stream: str) -> None:
        with self.lock:
            self._posts.pop(stream, None)

    def next_round(self) -> None:
        with self.lock:
            self._round += 1

    def free(self, stream: str) -> bool:
        """Whether what was found in this round is true of the stream now: nothing is being done
        about it, nor was since the round began."""
        post = self.of(stream)
        return not post.busy and post.touched != self._round

    def do(self, stream: str, what: Callable[[], object]) -> None:
        """Set a task about a free stream aside for `take_tasks`; its failure is logged."""
        post = self.of(stream)
        post.busy = True

        def task() -> None:
            try:
                what()
            except FlashstreamError as failure:
                self._log.warning("task_failed", stream=stream, error=failure.message)
            except Exception:
                self._log.exception("task_failed", stream=stream)
            finally:
                self._let_go(post)

        self._tasks.append(task)

    def take_tasks(self) -> list[Callable[[], None]]:
        with self.lock:
            tasks, self._tasks = self._tasks, []
            return tasks

    def _let_go(self, post: Post) -> None:
        with self.lock:
            post.busy, post.touched = False, self._round
            self.lock.notify_all()

    @contextmanager
    def held(self, stream: str) -> Iterator[None]:
        """Wait until nothing is being done about the stream, and keep it so."""
        with self.lock:
            if not self.lock.wait_for(lambda: not self.of(stream).busy, _HELD_S):
                raise NotReadyError(f"stream '{stream}' is being started or ended; try again")
            post = self.of(stream)
            post.busy = True
        try:
            yield
        finally:
            self._let_go(post)
