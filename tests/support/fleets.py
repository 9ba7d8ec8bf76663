"""A fleet on a real in-process store, with a crew of entries and a clock that is set by hand."""

from collections.abc import Mapping
from typing import Any

from support.crews import FakeCrew, Inline

from flashstream.actors.crash_loop import CrashLoop
from flashstream.actors.fleet import Fleet
from flashstream.actors.registry import Registry
from flashstream.actors.spec import StreamSpec, StreamStatus
from flashstream.actors.supervisor import Supervisor, SupervisorOptions
from flashstream.errors import StoreError
from flashstream.memory_store.local import LocalStore
from flashstream.telemetry import PrometheusTelemetry


class Registered(LocalStore):
    """A store whose registry can be away; the memories stay reachable only with it."""

    away = False

    def _check(self) -> None:
        if self.away:
            raise StoreError("connection refused")

    def streams(self) -> dict[str, dict[str, Any]]:
        self._check()
        return super().streams()

    def put_stream(self, stream: str, spec: Mapping[str, Any]) -> None:
        self._check()
        super().put_stream(stream, spec)

    def remove_stream(self, stream: str) -> None:
        self._check()
        super().remove_stream(stream)

    def delete(self, stream: str) -> None:
        self._check()
        super().delete(stream)


def spec(name: str, **changes: Any) -> StreamSpec:
    return StreamSpec(name, f"rtsp://user:secret@127.0.0.1/{name}", 1.0, 1_700_000_000.0, **changes)


class House:
    """Fleets, one after another, on one store and one crew."""

    def __init__(self, *, limit: int = 64, memory_limit_mb: int = 0) -> None:
        self.store = Registered()
        self.crew = FakeCrew()
        self.telemetry = PrometheusTelemetry()
        self.now = 1000.0
        self._limits = {"limit": limit, "memory_limit_mb": memory_limit_mb}
        self.reopen()

    def reopen(self) -> None:
        """As after the fleet's death: nothing is known but what the store and the crew have."""
        registry = Registry(self.store)
        self.supervisor = Supervisor(
            registry,
            self.store,
            self.crew,
            self.telemetry,
            Inline(),
            SupervisorOptions(silent_after_s=30, starting_at_once=4, rebalance_after_s=60),
            clock=lambda: self.now,
            wall=lambda: 1_700_000_000.0 + self.now,
            crash_loop=lambda: CrashLoop(jitter=lambda: 1.0),
        )
        self.fleet = Fleet(registry, self.supervisor, self.crew, wake=lambda: None, **self._limits)

    def look(self, rounds: int = 1, seconds: float = 1.0) -> None:
        for _ in range(rounds):
            self.supervisor.reconcile()
            self.now += seconds

    def told(self, stream: str) -> StreamStatus:
        return self.fleet.status(stream)

    def restarts(self, reason: str) -> float:
        name = "flashstream_stream_restarts_total"
        return self.telemetry.registry.get_sample_value(name, {"reason": reason}) or 0.0
