"""The memory measured: speed, error, retrieval and age, each beside its baseline in one run."""

from dataclasses import asdict, dataclass
from typing import Any

from flashstream.bench import memory_age, memory_speed
from flashstream.bench.machine import machine_facts
from flashstream.bench.memory_subjects import Flash, Star
from flashstream.evals import clips
from flashstream.evals.clips import Footage, PairedFootage
from flashstream.evals.compression import errors, over_ours
from flashstream.evals.fidelity import fidelity
from flashstream.evals.synthetic import synthetic_footage, synthetic_pairs
from flashstream.memory_store.flash_config import FlashConfig
from flashstream.memory_store.star_config import StarConfig
from flashstream.models.family import Progress

_SEED = 3


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; the defaults are those of the published figures.

    every: samplings of the clips for error and retrieval, the main one first: of each clip's 25
        to 30 frames a second every fifth, all, and every tenth. pairs_every: of two frames, for
        Flash memory. slots: K for errors; seeds: of baselines that start at random.
    checkpoint: of the clips' frames, at which retrieval is compared.
    synthetic_frames, synthetic_steps: for speed. synthetic_long_…: for errors, of fewer channels.
    old_frames, young_frames, age_…: see `memory_age.measure`.
    """

    every: tuple[int, ...] = (5, 1, 10)
    pairs_every: int = 4
    slots: tuple[int, ...] = (25, 60)
    seeds: tuple[int, ...] = (0, 1, 2)
    tries: int = 10
    candidates: tuple[int, ...] = (1, 2, 4)
    checkpoint: int = 100
    synthetic_frames: int = 800
    synthetic_steps: int = 140
    synthetic_long_frames: int = 2000
    synthetic_long_channels: int = 96
    old_frames: int = 1_000_000
    young_frames: int = 1000
    age_channels: int = 32
    age_rounds: int = 12


def run(report: Progress, sizes: Sizes | None = None) -> dict[str, Any]:
    """Measure on the clips of `flashstream.media`; six to eight minutes on two cores.

    Returns what `measure` and `memory_age.measure` return, the footage, the sizes, and the
    machine. Raises MissingPackageError if a clip or the demo's encoder is not installed.
    """
    sizes = sizes or Sizes()
    facts = machine_facts()
    # Before anything large is held: what is freed later would hide growth.
    age = memory_age.measure(
        report,
        frames=sizes.old_frames,
        young=sizes.young_frames,
        channels=sizes.age_channels,
        rounds=sizes.age_rounds,
    )
    footage = clips.watch(clips.CLIPS, report)
    paired = clips.watch_pairs(clips.CLIPS, report, every=sizes.pairs_every)
    return {
        **measure(footage, paired, report, sizes),
        **age,
        "footage": {
            "clips": clips.CLIPS,
            "frames": len(footage),
            "steps_of_two": len(paired),
            "encoder": "efficientnet-lite0",
        },
        "sizes": asdict(sizes),
        "machine": facts,
    }


def measure(
    footage: Footage, paired: PairedFootage, report: Progress, sizes: Sizes
) -> dict[str, Any]:
    """All that depends on what the camera sees, on this footage and on a synthetic stream.

    "star", "flash": see `memory_speed.measure`, at the published sizes.
    "sse_over_ours": for each baseline the least, over K and samplings of the clips, of its
        squared error over ours; "sse" has the errors. "fidelity": of the main sampling.
    """
    star_config, flash_config = StarConfig(), FlashConfig()
    star, flash = Star(star_config, footage), Flash(flash_config, paired)
    speed = {
        "star": memory_speed.measure(star.subject("STAR, clips"), report, block=16),
        "flash": memory_speed.measure(flash.subject("Flash, clips"), report, block=8),
    }
    held = {"star": star.held(), "flash": flash.held()}
    sampled = {f"every_{step}": footage.every(step) for step in sizes.every}
    kept = {
        name: fidelity(
            frames,
            star_config,
            _of(name, report),
            candidates=sizes.candidates,
            checkpoint=max(1, sizes.checkpoint // step),
        )
        for step, (name, frames) in zip(sizes.every, sampled.items(), strict=True)
    }
    sse = {name: _errors(frames, _of(name, report), sizes) for name, frames in sampled.items()}
    return {
        **speed,
        "sse_over_ours": over_ours([each for found in sse.values() for each in found.values()]),
        "bytes_per_stream": {kind: held[kind]["bytes"] for kind in held},
        "bytes_per_stream_budget": {kind: held[kind]["budget"] for kind in held},
        "fidelity": kept[f"every_{sizes.every[0]}"],
        "fidelity_by_sampling": kept,
        "sse": sse,
        "synthetic": _synthetic(footage.features.shape[1:], report, sizes),
    }


def _synthetic(shape: tuple[int, ...], report: Progress, sizes: Sizes) -> dict[str, Any]:
    """Speed and error on a stream that never was, of frames of the clips' shape [G, G, D]."""
    grid, _, channels = shape
    frames = synthetic_footage(sizes.synthetic_frames, grid, channels, _SEED)
    star = Star(StarConfig(), frames).subject("STAR, synthetic")
    star_speed = memory_speed.measure(star, report, block=16)
    long = synthetic_footage(
        sizes.synthetic_long_frames, grid, min(channels, sizes.synthetic_long_channels), _SEED
    )
    sse = _errors(long, _of("synthetic", report), sizes)
    config = FlashConfig()
    steps = synthetic_pairs(sizes.synthetic_steps, config.dam_grid, channels, _SEED)
    flash = Flash(config, steps).subject("Flash, synthetic")
    return {
        "star": star_speed,
        "flash": memory_speed.measure(flash, report, block=8),
        "sse_over_ours": over_ours(list(sse.values())),
        "sse": sse,
    }


def _errors(footage: Footage, report: Progress, sizes: Sizes) -> dict[str, dict[str, float]]:
    grid = StarConfig().temporal_grid
    points = footage.points(grid)
    return {
        f"k{slots}": errors(points, grid**2, slots, report, seeds=sizes.seeds, tries=sizes.tries)
        for slots in sizes.slots
    }


def _of(name: str, report: Progress) -> Progress:
    return lambda step, share: report(f"{step}, {name}", share)
