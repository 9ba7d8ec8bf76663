"""What the supervisor knows of one stream's watcher."""

from dataclasses import dataclass, replace

from flashstream.actors.crash_loop import CrashLoop
from flashstream.actors.spec import StreamSpec, StreamState, StreamStatus

_LOOPING = 3  # crashes in a row, from which on a stream has failed


@dataclass(slots=True)
class Post:
    """One stream's place in the fleet. Times are seconds of the supervisor's clock, but for those
    in statuses, which are Unix seconds.

    status: the watcher's last answer. note: what is told instead, while there is no watcher.
    present: a watcher was started or found, and has not been seen to have ended.
    busy: something is being done about it. touched: the round in which that ended.
    restart: what its next start counts as; "" for the first.
    """

    crashes: CrashLoop
    status: StreamStatus | None = None
    note: tuple[StreamState, float, str] | None = None
    node: str = ""
    present: bool = False
    answered: bool = False
    started_s: float = 0.0
    heard_s: float = 0.0
    busy: bool = False
    touched: int = -1
    restart: str = ""

    def appear(self, now_s: float, node: str) -> None:
        """A watcher was started, or one was found running."""
        self.present, self.answered = True, False
        self.started_s = self.heard_s = now_s
        if self.status is not None:
            self.status = replace(self.status, pid=0)  # that of the one before
        self.node = node

    def vanish(self, why: str) -> None:
        """There is no watcher any more; `why` is what its next start counts as."""
        self.present = self.answered = False
        self.restart = why
        self.node = ""

    def hear(self, status: StreamStatus, now_s: float) -> None:
        self.status, self.note = status, None
        self.answered, self.heard_s, self.node = True, now_s, status.node

    def overhear(self, status: StreamStatus) -> None:
        """What the watcher says while something is being done about it, a move say: what it sees is
        told, and nothing is concluded from it."""
        if self.answered and status.node == self.node:
            self.status = status

    def crashed(self, now_s: float, wall_s: float, why: str) -> None:
        self.crashes.crashed(self.started_s, now_s, why)
        self.tell_crash(now_s, wall_s)

    def tell_crash(self, now_s: float, wall_s: float) -> None:
        looping = self.crashes.count >= _LOOPING
        state = StreamState.FAILED if looping else StreamState.CONNECTING
        self.tell(state, self.crashes.reason(now_s), wall_s)

    def tell(self, state: StreamState, reason: str, wall_s: float) -> None:
        """Say this of the stream until its watcher speaks for itself."""
        since_s = self.note[1] if self.note and self.note[0] is state else wall_s
        self.note = (state, since_s, reason)

    def told(self, spec: StreamSpec) -> StreamStatus:
        """The stream as it is known."""
        status = self.status or _unseen(spec)
        if self.note is not None:
            state, since_s, reason = self.note
            status = replace(status, state=state, since_s=since_s, reason=reason)
        return replace(status, spec=spec, node=self.node, pid=status.pid if self.node else 0)


def _unseen(spec: StreamSpec) -> StreamStatus:
    return StreamStatus(spec, StreamState.CONNECTING, spec.created_s, "is being started")
