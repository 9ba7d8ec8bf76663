"""Processes of a Ray cluster that carry streams."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import ray
from ray.exceptions import ActorDiedError
from ray.util import list_named_actors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from flashstream.actors.carriers import Known
from flashstream.actors.clients import CARRIER_PREFIX, HEALTH, LIFE, CarrierClient, actor_named
from flashstream.config import Settings
from flashstream.errors import NotReadyError

_GONE_S = 10.0
_POLL_S = 0.02


class RayProcesses:
    """Finds and makes detached actors, each a process (see `Carrier`); Ray does not restart them.

    gpus: what each takes of its node's.
    """

    def __init__(self, settings: Settings, actor: type, changed: Callable[[], None]) -> None:
        """actor: the class of a process, made with the settings. changed: called when one ends."""
        self.gpus = settings.encoder.gpus if settings.encoder.placement == "own" else 0.0
        self._settings = settings
        self._namespace = settings.ray.namespace
        self._changed = changed
        # Status is told even while all other threads wait for the store.
        self._actor = ray.remote(concurrency_groups={HEALTH: 2, LIFE: 1})(actor)

    def unknown(self, knows: Callable[[str], bool]) -> Iterator[Known]:
        """Those that another fleet has made; knows: whether one is known, by name."""
        for each in list_named_actors(all_namespaces=True):
            name, ours = each["name"], each["namespace"] == self._namespace
            if ours and name.startswith(CARRIER_PREFIX) and not knows(name):
                handle = actor_named(name, self._namespace)
                if handle is not None:
                    yield self._known(name, handle, "")

    def make(self, node: str | None) -> Known:
        """A new one, on that node if it can be; it is not waited for."""
        name = f"{CARRIER_PREFIX}{uuid.uuid4().hex[:12]}"
        where = "DEFAULT" if node is None else NodeAffinitySchedulingStrategy(node, soft=True)
        handle = self._actor.options(
            name=name,
            namespace=self._namespace,
            lifetime="detached",
            max_restarts=0,
            max_concurrency=8 + self._settings.streams.per_process,
            num_cpus=0,
            num_gpus=self.gpus,
            # A byte, which is always there: an actor that asks for nothing at all is put on any
            # node, whatever its strategy.
            memory=1,
            scheduling_strategy=where,
        ).remote(self._settings)
        known = self._known(name, handle, node or "")
        known.ours = True
        return known

    def _known(self, name: str, handle: Any, node: str) -> Known:
        client = CarrierClient(handle)
        client.life().future().add_done_callback(lambda _: self._changed())
        return Known(name, client, node, time.monotonic())

    def await_end(self, known: Known) -> None:
        """Of one that was killed; raises `NotReadyError` if it is still there after 10 s."""
        deadline = time.monotonic() + _GONE_S
        while actor_named(known.name, self._namespace) is not None:
            if time.monotonic() > deadline:
                raise NotReadyError(f"the actor {known.name} has not ended")
            time.sleep(_POLL_S)


def why_dead(death: ActorDiedError) -> str:
    """One line out of Ray's report."""
    lines = [line.strip() for line in str(death).splitlines() if line.strip()]
    for line in lines:
        if "exit detail:" in line:
            return line.partition("exit detail:")[2].strip().partition(". ")[0]
    return lines[-1][:300] if lines else "it died"
