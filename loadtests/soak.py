"""Hours in minutes: a service that watches, is asked and meets flapping cameras; does it grow?"""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from redis import Redis

from flashstream import config
from flashstream.bench.machine import machine_facts
from flashstream.errors import InvalidRequestError
from flashstream.loadtests.ages import ages_s
from flashstream.loadtests.asking import Asked, Asker
from flashstream.loadtests.cameras import cameras, dealt, films
from flashstream.loadtests.flapping import Flapping
from flashstream.loadtests.gcs_rush import gcs_rush
from flashstream.loadtests.moments import looks
from flashstream.loadtests.remembered import remember
from flashstream.loadtests.resources import KINDS, PROGRAMS, changed, read, thread_names
from flashstream.loadtests.service import Service, check_own, until
from flashstream.loadtests.trend import BLOCKS, fitted
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.models.family import Progress

LEAST_MINUTES: Final = 2.0
_LIVE_S: Final = 180.0
_ANSWER_S: Final = 180.0
_KINDS: Final = sorted({*KINDS.values(), *PROGRAMS.values(), "rest"})


@dataclass(frozen=True, slots=True)
class Load:
    """What the service bears.

    questions_per_s: few enough to be answered, each on a memory that has changed, with what the
    cameras leave of two slow cores; what does not fit is another test's (`bench fleet`).
    per_process: cameras in a process. One in each takes all of two slow cores; what is asked then
    queues for minutes whenever the machine is slowed from outside, and no trend can be told.
    watched_h: for how long each camera has been watched already when it is added (see `remember`),
    so that its memory is full. warm_s: what comes before is left out of the trends, for lazily made
    things are made in it. rush_s, rush_per_s: it begins with a rush of far more questions than can
    be answered, about all cameras at once: pools grow when calls meet and wait for a core. In its
    first gcs_rush_s seconds Ray's GCS meets such a rush, too.
    picture_ttl_s: how long answers' pictures are kept (a day by default), so that as many go as
    come well before its end.
    """

    cameras: int = 16
    fps: float = 1.0
    per_process: int = 8
    questions_per_s: float = 0.1
    flap_every_s: float = 15.0
    away_s: float = 5.0
    watched_h: float = 2.0
    warm_s: float = 2700.0
    rush_s: float = 600.0
    rush_per_s: float = 1.0
    gcs_rush_s: float = 30.0
    picture_ttl_s: int = 240
    look_s: float = 5.0


@dataclass(slots=True)
class Series:
    """Readings: seconds since the start, each figure at that time, and of each kind of process its
    memory (RSS), threads and open files."""

    times_s: list[float] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)
    kinds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, time_s: float, figures: dict[str, float], kinds: dict[str, float]) -> None:
        """One reading; every one has the same figures."""
        self.times_s.append(time_s)
        for found, kept in ((figures, self.figures), (kinds, self.kinds)):
            for name, value in found.items():
                kept.setdefault(name, []).append(value)

    def row(self) -> dict[str, Any]:
        """For JSON."""
        return {"time_s": self.times_s, **self.figures, "kinds": self.kinds}


def run(
    minutes: float, sets: Sequence[str], report: Progress, load: Load | None = None
) -> dict[str, Any]:
    """Run it for that long after the warm-up, and fit a trend to each figure.

    Raises `InvalidRequestError` for a time too short for a trend, and what starting raises.
    """
    load = load or Load()
    if minutes < LEAST_MINUTES or minutes * 60 < 2 * BLOCKS * load.look_s:
        raise InvalidRequestError(
            f"a soak takes {max(LEAST_MINUTES, 2 * BLOCKS * load.look_s / 60):g} minutes or more, "
            f"not {minutes:g}"
        )
    check_own(sets)
    facts = machine_facts()
    names = [f"camera-{number:02d}" for number in range(load.cameras)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flashstream-soak-")))
        filmed = films(folder, report)
        server = stack.enter_context(cameras(names, filmed))
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
        store = Redis.from_url(valkey.url)
        stack.callback(store.close)
        own = [
            f"store.redis_url={valkey.url}",
            f"store.picture_ttl_s={load.picture_ttl_s}",
            f"streams.per_process={load.per_process}",
        ]
        settings = [*own, *sets]
        of_them = config.load(None, config.parsed(settings))
        remember(of_them, dealt(names, filmed), load.fps, load.watched_h, report)
        report("starting the service", 0.0)
        service = stack.enter_context(Service(folder, settings))
        report("starting the service", 1.0)
        with service.client() as client:
            for name in names:
                client.add_stream(name, server.url(name), fps=load.fps, check=False)
            until(lambda: all(s["frames_seen"] > 1 for s in client.streams()), _LIVE_S, 1.0)
        began = time.monotonic()
        with (
            Asker(service.client, names, load.questions_per_s) as asker,
            Flapping(server, names, every_s=load.flap_every_s, away_s=load.away_s) as flapping,
        ):
            # An hour in which nothing is answered would show nothing.
            asker.await_answer(_ANSWER_S)
            # Looking is load, too.
            look = partial(_watch, service, store, names, load.look_s, began, report)
            warming, series = Series(), Series()
            with Asker(service.client, names, load.rush_per_s, at_once=len(names)) as rush:
                with gcs_rush(service.processes()):
                    look(warming, "warming up in a rush, Ray's GCS, too", load.gcs_rush_s)
                look(warming, "warming up in a rush", load.rush_s - load.gcs_rush_s)
            look(warming, "warming up", load.warm_s - load.rush_s)
            since_s, flapped, held_back = time.monotonic(), flapping.count, asker.held_back
            threads = thread_names(service.processes())
            look(series, "soaking", minutes * 60)
            threads_changed = changed(threads, thread_names(service.processes()))
        with service.client() as client:
            # All cameras are plugged in again: each must come back.
            until(lambda: all(s["state"] == "live" for s in client.streams()), _LIVE_S, 1.0)
            streams = client.streams()
    asked = [each for each in asker.asked if each.at_s > since_s]
    trends = {
        **{name: fitted(series.times_s, values) for name, values in series.figures.items()},
        "ttft_s": _of_answers(asked, lambda each: each.ttft_s),
        "asked_snapshot_age_s": _of_answers(asked, lambda each: each.age_s),
    }
    return {
        "minutes": minutes,
        "flat": {name: each["flat"] for name, each in trends.items()},
        "trends": trends,
        "kinds": {name: fitted(series.times_s, v) for name, v in series.kinds.items()},
        # A stream whose camera is away has fewer.
        "threads_changed": threads_changed,
        "flaps": flapping.count - flapped,
        "questions": {
            "asked": len(asked),
            "answered": sum(each.answered for each in asked),
            "held_back": asker.held_back - held_back,
            "refusals": sorted({each.refusal for each in asked if not each.answered}),
        },
        # In the warm-up, too.
        "unexplained_errors": [e.message for e in (*rush.asked, *asker.asked) if e.unclear]
        + [f"{s['id']}: {s['reason']}" for s in streams if s["state"] == "failed"],
        "load": {name: getattr(load, name) for name in Load.__dataclass_fields__},
        "settings": list(sets),
        "machine": facts,
        "warm_up": warming.row(),
        "series": series.row(),
        # Those of the warm-up, too, but for the rush's own.
        "asked": [
            {"time_s": each.at_s - began, "ttft_s": each.ttft_s, "age_s": each.age_s}
            for each in asker.asked
        ],
    }


def _watch(
    service: Service,
    store: Redis,
    names: Sequence[str],
    every_s: float,
    began: float,
    report: Progress,
    series: Series,
    what: str,
    seconds: float,
) -> None:
    with service.client() as client:
        for gone_s in looks(every_s, seconds):
            report(what, gone_s / seconds)
            now = time.monotonic()
            reading = read(service.processes(), store)
            ages = ages_s(client, names)
            series.add(
                now - began,
                {
                    "rss_bytes": reading.total("rss"),
                    "redis_bytes": float(reading.store["used_memory"]),
                    "open_files": reading.total("files"),
                    "threads": reading.total("threads"),
                    "snapshot_age_s": float(np.median(ages)) if ages else 0.0,
                },
                {
                    f"{kind}_{what}": float(getattr(reading.by_kind[kind], what))
                    for kind in _KINDS
                    for what in ("rss", "threads", "files")
                },
            )
    report(what, 1.0)


def _of_answers(asked: Sequence[Asked], figure: Callable[[Asked], float | None]) -> dict[str, Any]:
    found = [(each.at_s, v) for each in asked if (v := figure(each)) is not None]
    return fitted([at for at, _ in found], [value for _, value in found])
