"""What the fleet knows of its processes: which streams each has, and which has room."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from flashstream.actors.carrier import CarrierStatus
from flashstream.actors.clients import CarrierClient
from flashstream.actors.crew import Watcher
from flashstream.actors.spec import StreamState, StreamStatus


@dataclass(slots=True, eq=False)
class Known:
    """One process.

    node: "" until it is known. ours: made here, not found. heard: has ever answered. closing: is
    being ended. asked, answer: its status to come, and as it came in this round.
    starting: streams whose watch call is under way. waits: those of them and later that another
    still watches. solo: its stream shall stay alone.
    """

    name: str
    client: CarrierClient
    node: str
    since_s: float
    ours: bool = False
    heard: bool = False
    closing: bool = False
    solo: bool = False
    asked: Any = None
    answer: CarrierStatus | None = None
    starting: set[str] = field(default_factory=set)
    waits: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    # An answer may be older than the call that seated a stream, or ended it: those are believed
    # over the next one answer.
    seated: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    @property
    def streams(self) -> set[str]:
        """All that it has, or will."""
        return self.told | self.starting


class Carriers:
    """The processes there are. Thread-safe; all methods return at once.

    per_process: streams that one may have.
    """

    def __init__(self, per_process: int) -> None:
        self._per_process = per_process
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}
        self._deaths: list[Watcher] = []

    def all(self) -> list[Known]:
        with self._lock:
            return list(self._known.values())

    def knows(self, name: str) -> bool:
        with self._lock:
            return name in self._known

    def add(self, known: Known) -> None:
        with self._lock:
            self._known[known.name] = known

    def forget(self, known: Known, why: str) -> None:
        """It has ended, because of `why` unless it was closed."""
        with self._lock:
            self._known.pop(known.name, None)
            self._end(known, why)

    def close(self, known: Known, why: str) -> None:
        """It is being ended, and counts no more: what it watched is dead from now on."""
        with self._lock:
            self._end(known, why)

    def _end(self, known: Known, why: str) -> None:
        if not known.closing:
            known.closing = True
            self._deaths += [Watcher(each, death=why) for each in known.streams - known.waits]

    def hear(self, known: Known, answer: CarrierStatus | None) -> None:
        """What it said in this round; None if nothing."""
        with self._lock:
            known.answer = answer
            if answer is not None:
                known.heard, known.node = True, answer.node
                known.told = (set(answer.streams) | known.seated) - known.left
                known.seated, known.left = set(), set()
                known.solo = known.solo and bool(known.streams)

    def unheard(self) -> list[Known]:
        """Those that were found, and have not said yet what they watch."""
        with self._lock:
            return [known for known in self._open() if not known.ours and not known.heard]

    def _open(self) -> list[Known]:
        return [known for known in self._known.values() if not known.closing]

    # --- streams -------------------------------------------------------------------------------

    def holding(self, stream: str) -> list[Known]:
        """All that have it: two while it moves."""
        with self._lock:
            return [known for known in self._open() if stream in known.streams]

    def of(self, stream: str) -> Known | None:
        """The one that watches it."""
        held = [known for known in self.holding(stream) if stream not in known.waits]
        return held[0] if held else None

    def watchers(self) -> tuple[list[Watcher], list[tuple[Known, str]]]:
        """All streams that are watched or about to be, and those whose process has ended since this
        was last asked; and what must be ended: a stream's second watcher, of two that were started
        by two fleets, or left waiting by a dead one."""
        with self._lock:
            deaths, self._deaths = self._deaths, []
            holders: dict[str, list[Known]] = defaultdict(list)
            for known in self._open():
                for stream in known.streams:
                    holders[stream].append(known)
        found, doubles = [], []
        for stream, held in sorted(holders.items()):
            told = {
                known: known.answer.streams[stream]
                for known in held
                if known.answer and stream in known.answer.streams
            }
            best = max(told, key=lambda known: _rank(told[known]), default=None)
            if best is not None and told[best] is None:
                best = None
            moving = any(stream in known.waits for known in held)
            unclear = len(told) < len(held) or any(_opening(status) for status in told.values())
            if best is not None or moving or unclear:
                found.append(Watcher(stream, told[best] if best else None))
            if not moving and not unclear:
                doubles += [(known, stream) for known in held if known is not best]
        there = {watcher.stream for watcher in found}
        return found + [death for death in deaths if death.stream not in there], doubles

    # --- seats ---------------------------------------------------------------------------------

    def take(self, stream: str, node: str | None, *, alone: bool, waits: bool) -> Known | None:
        """A seat for a stream in a process that is there, the fullest that has room of those that
        answer; None if there is no such process."""
        with self._lock:
            room = 1 if alone else self._per_process
            fit = [
                known
                for known in self._open()
                if stream not in known.streams
                and len(known.streams) < room
                and not known.solo
                and (known.ours or known.heard)
                and node in (None, known.node)
            ]
            if not fit:
                return None
            # One that gives no answer would be waited for.
            known = max(fit, key=lambda k: (k.answer is not None, k.heard, len(k.streams)))
            _sit(known, stream, alone=alone, waits=waits)
            return known

    def add_seated(self, known: Known, stream: str, *, alone: bool, waits: bool) -> None:
        """A new process, made for this stream."""
        with self._lock:
            self._known[known.name] = known
            _sit(known, stream, alone=alone, waits=waits)

    def seated(self, stream: str, known: Known) -> None:
        """Its watch call has returned."""
        with self._lock:
            known.starting.discard(stream)
            known.told.add(stream)
            known.seated.add(stream)

    def begun(self, stream: str, known: Known) -> None:
        """It waits no more."""
        with self._lock:
            known.waits.discard(stream)

    def leave(self, stream: str, known: Known) -> None:
        """The process has it no more."""
        with self._lock:
            for streams in (known.starting, known.waits, known.told, known.seated):
                streams.discard(stream)
            known.left.add(stream)

    # --- spare ones ----------------------------------------------------------------------------

    def spare(self, node: str) -> list[Known]:
        """Those on a node without a stream, the readiest first."""
        with self._lock:
            return self._spare(node)

    def close_spare(self, node: str, keep: int) -> list[Known]:
        """Those of them that are too many: none gets a stream from now on."""
        with self._lock:
            surplus = self._spare(node)[keep:]
            for known in surplus:
                known.closing = True
            return surplus

    def _spare(self, node: str) -> list[Known]:
        found = [known for known in self._open() if known.node == node and not known.streams]
        return sorted(found, key=lambda known: not known.heard)


def _sit(known: Known, stream: str, *, alone: bool, waits: bool) -> None:
    known.starting.add(stream)
    known.left.discard(stream)
    known.solo = alone
    if waits:
        known.waits.add(stream)


def _rank(status: StreamStatus | None) -> tuple[bool, bool, int]:
    """Greatest of the one that watches: it was not superseded, or not yet."""
    if status is None:
        return False, False, 0
    return True, status.state is not StreamState.FAILED, status.epoch


def _opening(status: StreamStatus | None) -> bool:
    """Whether it may supersede another at any moment."""
    return status is not None and not status.epoch and status.state is not StreamState.FAILED
