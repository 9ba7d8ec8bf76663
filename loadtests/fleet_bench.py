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

import numpy as np
from redis import Redis

from flashstream.bench.machine import machine_facts
from flashstream.config import load, parsed
from flashstream.demo.rtsp import RtspServer
from flashstream.errors import InvalidRequestError
from flashstream.loadtests.ages import ages_s
from flashstream.loadtests.asking import Asker
from flashstream.loadtests.batching import batch_ratio
from flashstream.loadtests.cameras import Scenes, cameras, dealt, films
from flashstream.loadtests.remembered import remember
from flashstream.loadtests.resources import Reading, read
from flashstream.loadtests.service import Service, until
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.models.family import Progress

FIVE_VISITS_AN_HOUR: Final = Scenes(count=4, seconds=720.0, visits=1)
PACKED: Final = (
    "streams.per_process=8",
    "streams.commit_interval_s=120",
    "memory.thumbnail_bytes=2304",
    "engine.threads=1",
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

    cameras: numbers to try, rising. window_s: each is measured for so long, after settle_s; what a
    camera costs is measured at the largest that passed, for steady_s, as long as the films last,
    for most is written when someone comes. A number passes with no frame dropped and snapshots at
    most oldest_s old at the 95th percentile, while questions are asked; what becomes of those is
    told apart, for a machine that watches well may have too little left to answer all (a 429 says
    so).

    scenes: what cameras show. watched_h: for how long each has been watched already when it is
    added (see `remember`): a young memory is still in motion, and writes several times as much.
    """

    cameras: Sequence[int] = (8, 16, 24, 32, 40, 48, 56, 64)
    scenes: Scenes = FIVE_VISITS_AN_HOUR
    watched_h: float = 2.0
    fps: float = 1.0
    questions_per_s: float = 1.0
    settle_s: float = 30.0
    window_s: float = 60.0
    steady_s: float = 720.0
    oldest_s: float = 2.0

    def __post_init__(self) -> None:
        if not self.cameras or sorted(set(self.cameras)) != list(self.cameras):
            raise InvalidRequestError(f"numbers of cameras rise, not {list(self.cameras)}")


@dataclass(frozen=True, slots=True)
class Window:
    """What one number of cameras came to, between two looks.

    held_bytes, picture_bytes: of all that the store has of the cameras, and of the pictures of
    answers in it, before and after.
    """

    cameras: int
    seconds: float
    dropped: int
    seen: int
    ages_s: list[float]
    questions: dict[str, Any]
    before: Reading
    after: Reading
    held_bytes: tuple[int, int]
    picture_bytes: tuple[int, int]

    def row(self, sizes: Sizes) -> dict[str, Any]:
        """As it is told."""
        return {
            "cameras": self.cameras,
            "passed": self.passed(sizes),
            "frames_dropped": self.dropped,
            "frames_per_s": round(self.seen / self.seconds, 2),
            "snapshot_age_s": _quantiles(self.ages_s),
            "questions": self.questions,
            "cpu_cores": {
                kind: round((use.cpu_s - self.before.by_kind[kind].cpu_s) / self.seconds, 3)
                for kind, use in sorted(self.after.by_kind.items())
            },
            "rss_bytes": {kind: use.rss for kind, use in sorted(self.after.by_kind.items())},
        }

    def passed(self, sizes: Sizes) -> bool:
        """Whether so many cameras are watched as they should be."""
        wanted = self.cameras * sizes.fps * self.seconds
        return (
            self.dropped == 0
            and self.seen >= 0.97 * wanted
            and bool(self.ages_s)
            and float(np.percentile(self.ages_s, 95)) <= sizes.oldest_s
            and self.questions["asked"] > 0
            and self.questions["held_back"] == 0
            and not self.questions["unclear"]
        )

    @property
    def all_answered(self) -> bool:
        """Whether no question was refused."""
        return bool(self.questions["answered"] == self.questions["asked"])


def run(sets: Sequence[str], report: Progress, sizes: Sizes | None = None) -> dict[str, Any]:
    """Start a service with `PACKED` and these settings, and add cameras until it keeps up no more.

    Raises what starting the service raises.
    """
    sizes = sizes or Sizes()
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
        remember(of_them, dealt(names, filmed), sizes.fps, sizes.watched_h, report)
        report("starting the service", 0.0)
        service = stack.enter_context(Service(folder, settings))
        report("starting the service", 1.0)
        bench = FleetBench(service, server, store, sizes, report)
        windows = bench.grow(names)
        passed = [window for window in windows if window.passed(sizes)]
        best = max((window.cameras for window in passed), default=0)
        steady = bench.steady(names, best) if best else None
    return {
        "cameras": best,
        "cameras_with_all_answered": max((w.cameras for w in passed if w.all_answered), default=0),
        **(costs(steady) if steady else {}),
        "encoder_batch_ratio": ratio["ratio"],
        "encoder": ratio,
        "fps": sizes.fps,
        "settings": [*PACKED, *sets],
        "windows": [window.row(sizes) for window in windows],
        "steady": steady.row(sizes) if steady else None,
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
            if not windows[-1].passed(self._sizes):
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
                client.add_stream(name, self._server.url(name), fps=self._sizes.fps, check=False)

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
                while (gone := time.monotonic() - began) < seconds:
                    time.sleep(min(_LOOK_S, seconds - gone))
                    ages += ages_s(client, names[:: max(1, len(names) // _LOOKED_AT)])
                    self._report(what, 0.3 + 0.7 * min(1.0, gone / seconds))
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
                "ttft_s": _quantiles([each.ttft_s for each in answered if each.ttft_s]),
                "took_s": _quantiles([each.took_s for each in answered]),
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


def costs(window: Window) -> dict[str, float]:
    """What a camera costs: memory and CPU of what is there for cameras (their actors, the encoder,
    the store), and bytes that the store took."""
    n, seconds = window.cameras, window.seconds
    before, after = window.before, window.after
    watching = ("stream", "encoder", "fleet")
    cpu_s = sum(after.by_kind[kind].cpu_s - before.by_kind[kind].cpu_s for kind in watching)
    cpu_s += _store_cpu(after) - _store_cpu(before)
    written = after.store["total_net_input_bytes"] - before.store["total_net_input_bytes"]
    first, last = window.held_bytes
    pictures = window.picture_bytes[1] - window.picture_bytes[0]
    return {
        "rss_bytes_per_camera": round(after.by_kind["stream"].rss / n),
        "uss_bytes_per_camera": round(after.by_kind["stream"].uss / n),
        "cpu_per_camera": round(cpu_s / seconds / n, 4),
        "redis_bytes_written_per_camera_hour": round(written / n / seconds * 3600),
        "of_which_pictures_of_answers": round(pictures / n / seconds * 3600),
        "redis_bytes_per_camera": round(last / n),
        "redis_bytes_per_camera_growth": round((last - first) / n),
    }


def _store_cpu(reading: Reading) -> float:
    return float(reading.store["used_cpu_user"] + reading.store["used_cpu_sys"])


def _sum(streams: Sequence[dict[str, Any]], what: str) -> int:
    return sum(stream[what] for stream in streams)


def _quantiles(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p95, most = np.percentile(values, [50, 95, 100])
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3), "max": round(float(most), 3)}
