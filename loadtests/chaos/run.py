"""Fault after fault on a running service while it is asked: what was lost, how soon it was back."""

import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil

from flashstream.bench.machine import machine_facts
from flashstream.errors import FlashstreamError, SettingError
from flashstream.loadtests.asking import Asker
from flashstream.loadtests.cameras import cameras, films
from flashstream.loadtests.chaos.faults import FAULTS
from flashstream.loadtests.chaos.field import Field
from flashstream.loadtests.chaos.ledger import Ledger
from flashstream.loadtests.chaos.nodes import TwoNodes, check_clock
from flashstream.loadtests.chaos.store import ChaosStore
from flashstream.loadtests.service import Service, check_own, until
from flashstream.memory_store.redis import RedisStore
from flashstream.models.family import Progress

_LIVE_S: Final = 180.0
_GROUPS: Final = {"actor_killed": "actor", "encoder_killed": "encoder", "node_killed": "node"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done. kinds: how many of each; calm_s: between two faults."""

    kinds: Mapping[str, int]
    streams: int = 4
    fps: float = 1.0
    questions_per_s: float = 0.25
    calm_s: float = 1.0
    seed: int = 5

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(FAULTS))
        if unknown:
            raise SettingError(
                f"no fault is called {', '.join(unknown)}; accepted: {', '.join(FAULTS)}"
            )


def usual() -> Plan:
    """All kinds, as often as `FAULTS` says."""
    return Plan({kind: count for kind, (_, count) in FAULTS.items()})


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that was made, and the seconds until all was well again; None if it was not."""

    kind: str
    at_s: float
    recovery_s: float | None
    failure: str = ""


def run(sets: Sequence[str], report: Progress, plan: Plan | None = None) -> dict[str, Any]:
    """Break a service of its own, again and again; ends by itself.

    Raises what starting the service or the store raises.
    """
    plan = plan or usual()
    check_own(sets)
    if "clock_stepped" in plan.kinds:
        check_clock()
    facts = machine_facts()
    names = tuple(f"camera-{number}" for number in range(plan.streams))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flashstream-chaos-")))
        server = stack.enter_context(cameras(list(names), films(folder, report)))
        store = stack.enter_context(ChaosStore(folder))
        report("starting the service", 0.0)
        nodes = stack.enter_context(TwoNodes(folder))
        own = [f"store.redis_url={store.url}", f"ray.address={nodes.address}"]
        service = stack.enter_context(Service(folder, [*own, *sets]))
        report("starting the service", 1.0)
        with service.client() as client:
            for name in names:
                client.add_stream(name, server.url(name), fps=plan.fps, check=False)
            until(lambda: all(s["durable_version"] > 1 for s in client.streams()), _LIVE_S, 0.5)
        field = Field(service, store, server, nodes, names, random.Random(plan.seed))
        with (
            Asker(service.client, names, plan.questions_per_s) as asker,
            Ledger(service.client) as ledger,
        ):
            done = _break(field, plan, report)
        problems = _audited(service, store, ledger)
        told = service.told()
    asked = asker.asked
    failures = [f"{each.kind}: {each.failure}" for each in done if each.failure]
    return {
        "faults": len(done),
        "kinds": dict(plan.kinds),
        "acknowledged_updates": ledger.updates,
        "lost": ledger.lost,
        "double_owner_writes_accepted": field.accepted,
        "recovery_s": _recovery(done),
        "questions": {
            "asked": len(asked),
            "answered": sum(each.answered for each in asked),
            "unclear_errors": sum(each.unclear for each in asked),
            "refusals": sorted({each.refusal for each in asked if each.refusal}),
        },
        "problems": [*failures, *problems, *sorted({e.message for e in asked if e.unclear})],
        "settings": list(sets),
        "machine": facts,
        "log": [(each.kind, round(each.at_s, 1), each.recovery_s) for each in done],
        **({"told": told} if failures or problems else {}),
    }


def _audited(service: Service, store: ChaosStore, ledger: Ledger) -> list[str]:
    reader = RedisStore(store.url)
    try:
        with service.client() as client:
            ledger.note(client.streams())
        return ledger.audit(reader)
    except FlashstreamError as failure:
        return [f"the memories could not be read in the end: {failure.message}"]
    finally:
        reader.close()


def _break(field: Field, plan: Plan, report: Progress) -> list[Done]:
    kinds = [kind for kind, count in plan.kinds.items() for _ in range(count)]
    field.random.shuffle(kinds)
    began = time.monotonic()
    done = []
    for number, kind in enumerate(kinds):
        report("faults", number / len(kinds))
        at_s = time.monotonic() - began
        try:
            done.append(Done(kind, at_s, round(FAULTS[kind][0](field), 3)))
        except (FlashstreamError, psutil.Error) as failure:  # told in the result, as a problem
            done.append(Done(kind, at_s, None, str(failure)))
        time.sleep(plan.calm_s)
    report("faults", 1.0)
    return done


def _recovery(done: Sequence[Done]) -> dict[str, dict[str, float]]:
    by_kind: dict[str, list[float]] = {}
    for each in done:
        if each.recovery_s is not None:
            by_kind.setdefault(_GROUPS.get(each.kind, each.kind), []).append(each.recovery_s)
    return {
        kind: {
            name: round(float(np.percentile(values, share)), 2)
            for name, share in (("p50", 50), ("p95", 95), ("max", 100))
        }
        for kind, values in by_kind.items()
    }
