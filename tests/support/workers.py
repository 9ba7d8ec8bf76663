"""Stream workers on a real video file and a real store, with a fake encoder.

What the encoder sees is not of interest here; that and when frames arrive in memory is.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from flashstream.actors.keeper import KeeperOptions
from flashstream.actors.spec import StreamSpec
from flashstream.actors.stream import StreamOptions, StreamWorker
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.star import StarConfig, StarMemory
from flashstream.telemetry import PrometheusTelemetry
from flashstream.video.source import VideoSource

SIZES = StarConfig(
    spatial_grid=1, temporal_grid=1, retrieved_grid=1, temporal_slots=4, abstract_slots=2
)
OPTIONS = StreamOptions(
    keeper=KeeperOptions(commit_interval_s=0.0, picture_ttl_s=60, lend_s=30),
    queue_frames=4,
    reconnect_max_s=0.2,
    thumbnail_width=64,
    thumbnail_bytes=65_536,
    stale_after_s=10.0,
    degraded_after_s=30.0,
)


def bright_clip(path: Path) -> Path:
    """Four seconds at 10 frames/s, brighter from frame to frame."""
    with av.open(str(path), "w") as out:
        track = out.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for number in range(40):
            picture = np.full((48, 64, 3), 5 * number, dtype=np.uint8)
            out.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(track.encode(None))
    return path


def brightness(frame: NDArray[np.uint8]) -> NDArray[np.float16]:
    return np.full((1, 1, 2), frame.mean(), dtype=np.float16)


class Bench:
    """Makes workers on one store, and stops them."""

    def __init__(self, clip: Path) -> None:
        self.clip = clip
        self.store = LocalStore()
        self.telemetry = PrometheusTelemetry()
        self.workers: list[StreamWorker] = []
        self.fingerprint = "f"

    def journal(self, stream: str = "s") -> MemoryJournal[NDArray[np.float16]]:
        return MemoryJournal.open(
            stream,
            self.store,
            lambda epoch: StarMemory(
                SIZES, 1, 2, stream=stream, epoch=epoch, fingerprint=self.fingerprint
            ),
        )

    def spec(self, **changes: Any) -> StreamSpec:
        return replace(StreamSpec("s", str(self.clip), 10.0, 0.0), **changes)

    def start(
        self,
        encode: Callable[[NDArray[np.uint8]], NDArray[np.float16]] = brightness,
        *,
        live: bool = False,
        source: Callable[[StreamSpec], VideoSource] | None = None,
        journal: Callable[[], MemoryJournal[NDArray[np.float16]]] | None = None,
        options: StreamOptions = OPTIONS,
        spec: StreamSpec | None = None,
        **more: Any,
    ) -> StreamWorker:
        worker = self.make(
            spec or self.spec(live=live),
            encode,
            live=live,
            source=source,
            journal=journal,
            options=options,
            **more,
        )
        worker.start()
        return worker

    def make(
        self,
        spec: StreamSpec,
        encode: Callable[[NDArray[np.uint8]], NDArray[np.float16]] = brightness,
        *,
        live: bool = False,
        source: Callable[[StreamSpec], VideoSource] | None = None,
        journal: Callable[[], MemoryJournal[NDArray[np.float16]]] | None = None,
        options: StreamOptions = OPTIONS,
        **more: Any,
    ) -> StreamWorker:
        """One that is not started."""
        worker = StreamWorker(
            spec,
            options,
            open_journal=journal or (lambda: self.journal(spec.id)),
            open_source=source or (lambda spec: VideoSource(spec.url, fps=spec.fps, live=live)),
            preprocess=lambda rgb: rgb,
            encode=encode,
            telemetry=self.telemetry,
            **more,
        )
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
