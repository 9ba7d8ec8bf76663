"""How many cameras a machine watches while it is asked, and what each costs."""

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis import Redis

from flashstream.bench.machine import machine_facts
from flashstream.config import load, parsed
from flashstream.demo.rtsp import RtspServer
from flashstream.errors import InvalidRequestError
from flashstream.loadtests.ages import ages_s
from flashstream.loadtests.asking import Asker
from flashstream.loadtests.batching import batch_ratio
from flashstream.loadtests.cameras import Scenes, cameras, dealt, films
from flashstream.loadtests.fleet_window import WATCHED, Limits, Window, costs, quantiles
from flashstream.loadtests.moments import looks
from flashstream.loadtests.remembered import remember
from flashstream.loadtests.resources import read
from flashstream.loadtests.service import Service, check_own, until
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.models.family import Progress

FIVE_VISITS_AN_HOUR: Final = Scenes(count=4, seconds=720.0, visits=1)
PACKED: Final = (
    "streams.per_process=16",
    "streams.commit_interval_s=120",
    "memory.thumbnail_bytes=2304",
    "engine.threads=1",
    "engine.max_batched_tokens=256",
    "engine.niceness=20",
    "encoder.placement=own",
)
"""Settings for many cameras on few cores; what --set says counts before them."""

_AT_ONCE = 4
_LIVE_S = 180.0
_LOOK_S = 5.0
_LOOKED_AT = 8
_MOST_OPEN = 128


@dataclass(frozen=True, slots=True)
class Sizes:
    """How far to go.

    cameras: numbers to try, rising, up to the first that is not within the limits. window_s: each
    is measured for so long, after settle_s; what a camera costs is measured at the largest that
    passed, for steady_s, as long as the films last, for most is written when someone comes.

    scenes: what cameras show. watched_h: for how long each has been watched already when it is
    added (see `remember`): a young memory is still in motion, and writes several times as much.
    """

    cameras: Sequence[int] = (8, 16, 24, 32, 40, 48, 56, 64)
    scenes: Scenes = FIVE_VISITS_AN_HOUR
    watched_h: float = 2.0
    limits: Limits = WATCHED
    questions_per_s: float = 1.0
    settle_s: float = 30.0
    window_s: float = 60.0
    steady_s: float = 720.0

    def __post_init__(self) -> None:
        if not self.cameras or sorted(set(self.cameras)) != list(self.cameras):
            raise InvalidRequestError(f"numbers of cameras rise, not {list(self.cameras)}")


def run(sets: Sequence[str], report: Progress, sizes: Sizes | None = None) -> dict[str, Any]:
    """Start a service with `PACKED` and these settings, and add cameras until it keeps up no more.

    Raises what starting the service raises.
    """
    sizes = sizes or Sizes()
    check_own(sets)
    facts = machine_facts()
    ratio = batch_ratio(report)
    names = [f"camera-{number:03d}" for number in range(max(sizes.cameras))]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flashstream-fleet-")))
        filmed = films(folder, report, sizes.scenes)
        server = stack.enter_context(cameras(names, filmed))
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
        store = Redis.from_url(valkey.url)
        stack.callback(store.close)
        settings = [f"store.redis_url={valkey.url}", *PACKED, *sets]
        of_them = load(None, parsed(settings))
        remember(of_them, dealt(names, filmed), sizes.limits.fps, sizes.watched_h, report)
        report("starting the service", 0.0)
        service = stack.enter_context(Service(folder, settings))
        report("starting the service", 1.0)
        bench = FleetBench(service, server, store, sizes, report)
        windows = bench.grow(names)
        passed = [window for window in windows if window.passed(sizes.limits)]
        best = max((window.cameras for window in passed), default=0)
        steady = bench.steady(names, best) if best else None
    return {
        "cameras": best,
        "cameras_with_all_answered": max((w.cameras for w in passed if w.all_answered), default=0),
        **(costs(steady) if steady else {}),
        "encoder_batch_ratio": ratio["ratio"],
        "encoder": ratio,
        "fps": sizes.limits.fps,
        "settings": [*PACKED, *sets],
        "windows": [window.row(sizes.limits) for window in windows],
        "steady": steady.row(sizes.limits) if steady else None,
        "machine": facts,
    }


class FleetBench:
    """Cameras added step by step to one running service."""

    def __init__(
        self, service: Service, server: RtspServer, store: Redis, sizes: Sizes, report: Progress
    ) -> None:
        self._service = service
        self._server = server
        self._store = store
        self._sizes = sizes
        self._report = report

    def grow(self, names: Sequence[str]) -> list[Window]:
        """A window for each number of cameras, up to the first that does not pass."""
        windows: list[Window] = []
        watched = 0
        for count in self._sizes.cameras:
            self._add(names[watched:count])
            watched = count
            windows.append(self._window(names[:count], self._sizes.window_s))
            if not windows[-1].passed(self._sizes.limits):
                break
        return windows

    def steady(self, names: Sequence[str], count: int) -> Window:
        """A long window of so many cameras; those beyond are removed."""
        with self._service.client() as client:
            there = {stream["id"] for stream in client.streams()}
            for name in names[count:]:
                if name in there:
                    client.remove_stream(name)
        return self._window(names[:count], self._sizes.steady_s)

    def _add(self, names: Sequence[str]) -> None:
        def add(name: str) -> None:
            with self._service.client() as client:
                # The camera is ours: a look at it beforehand would only cost time.
                client.add_stream(
                    name, self._server.url(name), fps=self._sizes.limits.fps, check=False
                )

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(add, names))

    def _window(self, names: Sequence[str], seconds: float) -> Window:
        sizes, what = self._sizes, f"{len(names)} cameras"
        self._report(what, 0.0)
        with self._service.client() as client:
            until(lambda: all(s["state"] == "live" for s in client.streams()), _LIVE_S, 1.0)
            self._wait(what, sizes.settle_s, 0.0)
            first, began = client.streams(), time.monotonic()
            before = read(self._service.processes(), self._store)
            held, pictures = self._held(names, "*"), self._held(names, "picture:*")
            ages: list[float] = []
            # More than the service takes at once, so that what is too much is refused by it.
            with Asker(
                self._service.client, names, sizes.questions_per_s, most_open=_MOST_OPEN
            ) as asker:
                for gone_s in looks(_LOOK_S, seconds):
                    ages += ages_s(client, names[:: max(1, len(names) // _LOOKED_AT)])
                    self._report(what, 0.3 + 0.7 * gone_s / seconds)
                after = read(self._service.processes(), self._store)
                last, ended = client.streams(), time.monotonic()
        self._report(what, 1.0)
        asked = asker.asked
        answered = [each for each in asked if each.answered]
        return Window(
            cameras=len(names),
            seconds=ended - began,
            dropped=_sum(last, "frames_dropped") - _sum(first, "frames_dropped"),
            seen=_sum(last, "frames_seen") - _sum(first, "frames_seen"),
            ages_s=ages + [each.age_s for each in answered if each.age_s is not None],
            questions={
                "asked": len(asked),
                "answered": len(answered),
                "held_back": asker.held_back,
                "ttft_s": quantiles([each.ttft_s for each in answered if each.ttft_s]),
                "took_s": quantiles([each.took_s for each in answered]),
                "refusals": Counter(each.refusal for each in asked if each.refusal),
                "unclear": sum(each.unclear for each in asked),
            },
            before=before,
            after=after,
            held_bytes=(held, self._held(names, "*")),
            picture_bytes=(pictures, self._held(names, "picture:*")),
        )

    def _held(self, names: Sequence[str], what: str) -> int:
        """Bytes of what the store has of these cameras under such keys."""
        return sum(
            self._store.memory_usage(key, samples=0) or 0
            for name in names
            for key in self._store.scan_iter(f"fs:{{{name}}}:{what}", count=10_000)
        )

    def _wait(self, what: str, seconds: float, share: float) -> None:
        began = time.monotonic()
        while (gone := time.monotonic() - began) < seconds:
            time.sleep(min(1.0, seconds - gone))
            self._report(what, share + 0.3 * gone / seconds)


def _sum(streams: Sequence[dict[str, Any]], what: str) -> int:
    return sum(stream[what] for stream in streams)
