"""The published benchmarks by name: their parts, loaders, folders of videos and averages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flashstream.errors import SettingError
from flashstream.evals.published.loaders import (
    candidates,
    egoschema,
    lvbench,
    nextqa,
    open_ended,
    videomme,
    vstream,
)
from flashstream.evals.published.question import Annotations

Load = Callable[[Path, str], Annotations]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark.

    about: one line on what it asks.
    parts: what of it can be asked, the default first.
    folders: where its videos, pictures or features lie in its data folder, by part or for all (""),
        in the order in which they are looked through.
    average: the name of the mean over kinds (each counts the same), where that is published.
    not_covered: what of the published scores is not computed here.
    """

    name: str
    about: str
    load: Load = field(repr=False)
    parts: tuple[str, ...]
    folders: Mapping[str, tuple[str, ...]] = field(repr=False)
    average: str | None = None
    not_covered: str | None = None

    def annotations(self, data: Path, part: str) -> Annotations:
        """The questions of a part; raises `BenchmarkDataError`, or `SettingError` on the part."""
        self.check_part(part)
        return self.load(data, part)

    def check_part(self, part: str) -> None:
        """Raise `SettingError` naming the parts there are."""
        if part not in self.parts:
            raise SettingError(
                f"{self.name} has no part {part!r}; there are: {', '.join(self.parts)}", part=part
            )

    def places(self, data: Path, part: str) -> tuple[Path, ...]:
        """The folders in which videos of a part are looked for."""
        return tuple(data / folder for folder in self.folders.get(part, self.folders.get("", ())))


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name; raises `SettingError` naming those there are."""
    for found in BENCHMARKS:
        if found.name == name:
            return found
    raise SettingError(f"no benchmark is called {name!r}; there are: {', '.join(names())}")


def names() -> tuple[str, ...]:
    """The benchmarks' names."""
    return tuple(found.name for found in BENCHMARKS)


_ANY = ("features", "frames", "videos", "video", "")

BENCHMARKS = (
    Benchmark(
        "vstream-qa",
        "VStream-QA: open questions about hours of Ego4D and movies, offline and online.",
        vstream.load,
        ("vs_ego", "vs_movie", "rvs_ego", "rvs_movie"),
        {
            "vs_ego": (
                "vstream/ego4d_video_features",
                "vstream/ego4d_frames",
                "vstream/ego4d_videos",
            ),
            "vs_movie": ("vstream/movienet_video_features", "vstream/movienet_frames"),
            "rvs_ego": (
                "vstream-realtime/ego4d_video_features",
                "vstream-realtime/ego4d_frames",
                "vstream-realtime/ego4d_videos",
            ),
            "rvs_movie": (
                "vstream-realtime/movienet_video_features",
                "vstream-realtime/movienet_frames",
            ),
        },
    ),
    Benchmark(
        "activitynet-qa",
        "ActivityNet-QA: short open questions about minutes of everyday activities.",
        open_ended.load_activitynet,
        ("test", "val"),
        {"": _ANY},
    ),
    Benchmark(
        "nextqa",
        "NExT-QA: why, how and when, multiple choice or open-ended (NExT-OE).",
        nextqa.load,
        ("mc", "oe", "mc_val", "oe_val"),
        {"": _ANY},
        not_covered="WUPS of the open-ended task; a judge scores it instead, as later papers do",
    ),
    Benchmark(
        "msvd-qa",
        "MSVD-QA: short open questions about clips of seconds.",
        open_ended.load_msvd,
        ("test", "val"),
        {"": (*_ANY[:-1], "YouTubeClips")},
    ),
    Benchmark(
        "msrvtt-qa",
        "MSRVTT-QA: short open questions about clips of seconds.",
        open_ended.load_msrvtt,
        ("test", "val"),
        {"": (*_ANY[:-1], "TestVideo", "TrainValVideo")},
    ),
    Benchmark(
        "egoschema",
        "EgoSchema: multiple choice about three minutes of Ego4D.",
        egoschema.load,
        ("subset", "all"),
        {"": _ANY},
        not_covered="accuracy over all 5031 questions, whose answers only the organisers have; "
        "submission.json in the run's folder is what their server takes",
    ),
    Benchmark(
        "mlvu",
        "MLVU: multiple choice about videos of minutes to hours.",
        candidates.load_mlvu,
        ("dev",),
        {"": _ANY},
        average="m_avg",
        not_covered="G-Avg: sub-scene captioning and video summarisation (8_sub_scene, 9_summary)",
    ),
    Benchmark(
        "lvbench",
        "LVBench: multiple choice about videos of an hour and more.",
        lvbench.load,
        ("test",),
        {"": (*_ANY, "all_videos", "scripts/videos")},
    ),
    Benchmark(
        "mvbench",
        "MVBench: twenty kinds of multiple choice about short clips.",
        candidates.load_mvbench,
        ("test",),
        {"": _ANY},
        average="avg",
    ),
    Benchmark(
        "video-mme",
        "Video-MME: multiple choice about short to long videos, with subtitles or without.",
        videomme.load,
        ("without_subtitles", "with_subtitles"),
        {"": ("features", "frames", "data", "videos", "video", "")},
        not_covered="questions answered with the sound",
    ),
)
