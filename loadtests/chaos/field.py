"""What faults are made on, and whether it is well."""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psutil

from flashstream.demo.rtsp import RtspServer
from flashstream.errors import FlashstreamError
from flashstream.loadtests.ages import as_of_s
from flashstream.loadtests.chaos.nodes import TwoNodes, own_processes
from flashstream.loadtests.chaos.store import ChaosStore
from flashstream.loadtests.service import Service, titled, until

_LOOK_S: Final = 0.05
_BACK_S: Final = 90.0


@dataclass(slots=True)
class Field:
    """A service with its store, cameras and nodes.

    accepted: writes of a superseded owner that the store took. What is asked of the service raises
    what the client raises; `wait` is quiet about that.
    """

    service: Service
    store: ChaosStore
    cameras: RtspServer
    nodes: TwoNodes
    streams: tuple[str, ...]
    random: random.Random
    accepted: int = 0

    # --- what can be broken --------------------------------------------------------------------

    def any_stream(self) -> str:
        """One of them."""
        return self.random.choice(self.streams)

    def process(self, title: str) -> psutil.Process:
        """One of the service's and both nodes' whose title begins so, once there is one."""
        found: list[psutil.Process] = self.wait(lambda: titled(own_processes(), title))
        return self.random.choice(found)

    def watcher(self) -> psutil.Process:
        """The process that watches one of the streams, once there is one."""
        stream = self.any_stream()

        def watching() -> psutil.Process | None:
            with self.service.client(10.0) as client:
                pid = client.stream(stream)["pid"]
                return psutil.Process(pid) if pid else None

        found: psutil.Process = self.wait(watching)
        return found

    # --- whether it is well --------------------------------------------------------------------

    def wait(self, what: Callable[[], Any]) -> Any:
        """What `what` returns once it is true; `NotReadyError` if it does not become so."""

        def quiet() -> Any:
            with suppress(FlashstreamError, psutil.Error):
                return what()
            return None

        return until(quiet, _BACK_S, _LOOK_S)

    def watched(self, names: Sequence[str], since_s: float) -> bool:
        """Each of these is live, and has a frame in memory that is younger than that Unix time."""
        now = {stream["id"]: stream for stream in self._streams()}
        return all(now[name]["state"] == "live" and as_of_s(now[name]) > since_s for name in names)

    def seen(self) -> dict[str, int]:
        """Frames of each stream."""
        return {stream["id"]: stream["frames_seen"] for stream in self._streams()}

    def saw_more(self, before: dict[str, int]) -> bool:
        """Each stream is live and two frames further."""
        now = {stream["id"]: stream for stream in self._streams()}
        return all(
            now[name]["state"] == "live" and now[name]["frames_seen"] > before[name] + 1
            for name in self.streams
        )

    def durable(self) -> dict[str, int]:
        """The version of each stream that the store has."""
        return {stream["id"]: stream["durable_version"] for stream in self._streams()}

    def committed(self, before: dict[str, int]) -> bool:
        """The store has a newer version of each."""
        now = self.durable()
        return all(now[name] > before[name] for name in self.streams)

    def listed(self) -> bool:
        """The fleet tells of all streams."""
        with self.service.client(10.0) as client:
            return len(client.streams()) == len(self.streams)

    def answered(self, stream: str) -> bool:
        """A question has an answer."""
        with self.service.client(30.0) as client:
            question = "What does the camera show now?"
            return bool(client.ask(stream, question, max_tokens=8)["answer"])

    def _streams(self) -> list[dict[str, Any]]:
        """One by one: a list is as the fleet saw them in its last round."""
        with self.service.client(10.0) as client:
            return [client.stream(name) for name in self.streams]
