"""Does the answer name what the encoder sees? On photographs that training never saw.

The language model can be no better than its encoder, so an answer is right if it names the
encoder's top-1 label, or a synonym in that label's line; how often the encoder itself is right is
reported beside it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flashstream import media
from flashstream.config import Settings
from flashstream.deployments.engine.engine import MemoryEngine
from flashstream.errors import SettingError
from flashstream.evals.still import remember, still_frames
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.demo.encoder import encoder_weights
from flashstream.models.demo.labels import Labels, load_labels
from flashstream.models.family import ModelFamily, Progress
from flashstream.models.registry import configured

QUESTION = "What does the camera show now?"
MAX_TOKENS = 24
START_S = 1_750_000_000.0
SEED = 7


@dataclass(frozen=True, slots=True)
class Seen:
    """A photograph in memory: its name, known labels, and the encoder's top-1 label."""

    medium: media.Medium
    snapshot: MemorySnapshot
    encoder_label: int


@dataclass(frozen=True, slots=True)
class Item:
    """One photograph's result. label: the known label's name; encoder_label: the encoder's."""

    photo: str
    label: str
    encoder_label: str
    answer: str
    correct: bool
    encoder_correct: bool


def run(settings: Settings, report: Progress) -> dict[str, Any]:
    """Show each photograph of the split `eval` to a memory and ask what is there.

    Returns {"photos": n, "accuracy": …, "encoder_accuracy": …, "items": [Item as a dict]}.
    Raises `SettingError` for another family than `demo`, `MissingPackageError` for a missing
    package, `EngineError` if the engine fails.
    """
    if settings.model != "demo":
        raise SettingError(
            f"photographs are evaluated with the encoder's labels, which the model family "
            f"{settings.model!r} has none of; accepted: demo",
            key="model",
        )
    family = configured(settings)
    family.check()
    labels = load_labels()
    folder = family.prepare(settings.cache_dir, report)
    seen = look(family, media.select("photo", "eval"), settings.device(), report)
    report("starting the language model", 0.0)
    engine = MemoryEngine.start(folder, settings.engine)
    report("starting the language model", 1.0)
    answers = asyncio.run(_ask_all(engine, family, seen, report))
    return summary(
        [score(each, answer, labels) for each, answer in zip(seen, answers, strict=True)]
    )


def look(
    family: ModelFamily, photographs: Sequence[media.Medium], device: str, report: Progress
) -> list[Seen]:
    """Each photograph as ten seconds of a still camera, in a memory of its own."""
    encoder = family.encoder(device)
    weights = encoder_weights()
    classifier = (weights["_fc.weight"].numpy(), weights["_fc.bias"].numpy())
    rng = np.random.default_rng(SEED)
    seen = []
    for number, medium in enumerate(photographs):
        with Image.open(media.locate(medium.name)) as picture:
            snapshot, mean = remember(
                family,
                encoder,
                still_frames(picture, rng),
                stream=medium.name,
                start_s=START_S,
            )
        seen.append(Seen(medium, snapshot, _top(mean, *classifier)))
        report("looking at the photographs", (number + 1) / len(photographs))
    return seen


def score(seen: Seen, answer: str, labels: Labels) -> Item:
    """Whether an answer names the encoder's top-1 label by any word of its line."""
    return Item(
        photo=seen.medium.name,
        label=labels.names[seen.medium.labels[0]],
        encoder_label=labels.names[seen.encoder_label],
        answer=answer,
        correct=labels.named(answer, seen.encoder_label),
        encoder_correct=seen.encoder_label in seen.medium.labels,
    )


def summary(items: Sequence[Item]) -> dict[str, Any]:
    """Shares over all photographs, and each photograph's result."""
    count = max(1, len(items))
    return {
        "photos": len(items),
        "accuracy": sum(item.correct for item in items) / count,
        "encoder_accuracy": sum(item.encoder_correct for item in items) / count,
        "items": [asdict(item) for item in items],
    }


def _top(
    features: NDArray[np.float32], weight: NDArray[np.float32], bias: NDArray[np.float32]
) -> int:
    return int(np.argmax(weight @ features + bias))


async def _ask_all(
    engine: MemoryEngine, family: ModelFamily, seen: Sequence[Seen], report: Progress
) -> list[str]:
    try:
        answers = []
        for number, each in enumerate(seen):
            answers.append(await _ask(engine, family, each.snapshot))
            report("asking", (number + 1) / len(seen))
        return answers
    finally:
        engine.close()


async def _ask(engine: MemoryEngine, family: ModelFamily, snapshot: MemorySnapshot) -> str:
    prompt, item = family.prompt(QUESTION, snapshot), family.pack(snapshot)
    pieces = []
    stream = engine.generate(
        prompt.before, item, prompt.after, snapshot.uuid, max_tokens=MAX_TOKENS
    )
    async with aclosing(stream) as outputs:
        async for output in outputs:
            pieces.append(output.text)
    return "".join(pieces).strip()
