"""What the fleet bench reads between two looks at a service, and what a camera costs by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from flashstream.loadtests.resources import Reading


@dataclass(frozen=True, slots=True)
class Limits:
    """When cameras are watched as they should be: no frame dropped, `fps` frames a second of each,
    and snapshots at most oldest_s old at the 95th percentile, while questions are asked; what
    becomes of those is told apart, for a machine that watches well may have too little left to
    answer all (a 429 says so)."""

    fps: float = 1.0
    oldest_s: float = 2.0


WATCHED: Final = Limits()


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

    def row(self, limits: Limits) -> dict[str, Any]:
        """As it is told."""
        return {
            "cameras": self.cameras,
            "passed": self.passed(limits),
            "frames_dropped": self.dropped,
            "frames_per_s": round(self.seen / self.seconds, 2),
            "snapshot_age_s": quantiles(self.ages_s),
            "questions": self.questions,
            "cpu_cores": {
                kind: round((use.cpu_s - self.before.by_kind[kind].cpu_s) / self.seconds, 3)
                for kind, use in sorted(self.after.by_kind.items())
            },
            "rss_bytes": {kind: use.rss for kind, use in sorted(self.after.by_kind.items())},
        }

    def passed(self, limits: Limits) -> bool:
        """Whether so many cameras are watched as they should be."""
        wanted = self.cameras * limits.fps * self.seconds
        return (
            self.dropped == 0
            and self.seen >= 0.97 * wanted
            and bool(self.ages_s)
            and float(np.percentile(self.ages_s, 95)) <= limits.oldest_s
            and self.questions["asked"] > 0
            and self.questions["held_back"] == 0
            and not self.questions["unclear"]
        )

    @property
    def all_answered(self) -> bool:
        """Whether no question was refused."""
        return bool(self.questions["answered"] == self.questions["asked"])


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


def quantiles(values: Sequence[float]) -> dict[str, float] | None:
    """As JSON has it; None of nothing."""
    if not values:
        return None
    p50, p95, most = np.percentile(values, [50, 95, 100])
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3), "max": round(float(most), 3)}
