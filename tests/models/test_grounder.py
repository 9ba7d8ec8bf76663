from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flashstream import media
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.memory_store.star import StarMemory
from flashstream.models.family import Grounder, ModelFamily

NAMES = ("espresso", "cat", "drum", "cannon")
START = 1_790_000_000.0


@pytest.fixture(scope="module")
def shown(family: ModelFamily) -> MemorySnapshot:
    """Four photographs, five seconds each."""
    encoder = family.encoder("cpu")
    memory = StarMemory(family.memory, family.grid, family.channels, stream="test", epoch=1)
    for number, name in enumerate(NAMES):
        with Image.open(media.locate(name)) as file:
            grid = encoder.encode([family.preprocess(np.asarray(file.convert("RGB")))])[0]
        for second in range(5):
            memory.observe(grid, START + 5 * number + second, b"")
    return memory.snapshot()


@pytest.fixture(scope="module")
def grounder(family: ModelFamily, demo_folder: Path) -> Grounder:
    return family.grounder(demo_folder)


def _shown_in(snapshot: MemorySnapshot, slot: int) -> str:
    row = snapshot.slots.ids.tolist().index(slot)
    return NAMES[int((float(snapshot.slots.mean_s[row]) - START) // 5)]


@pytest.mark.llm
@pytest.mark.parametrize(
    ("question", "answer", "evidence"),
    [
        ("What was seen?", "An espresso.", "espresso"),
        ("Was there a pet?", "Yes, an Egyptian cat was seen.", "cat"),
        ("Which came first, the cannon or the drum?", "The drum.", "drum"),
        ("Has a cat been seen?", "Yes.", "cat"),
        ("What was there 17 seconds ago?", "Something.", "espresso"),
        ("What is there now?", "Something.", "cannon"),
    ],
)
def test_the_slots_that_an_answer_speaks_of_come_first(
    grounder: Grounder, shown: MemorySnapshot, question: str, answer: str, evidence: str
) -> None:
    ranked = grounder.rank(question, answer, shown)
    assert _shown_in(shown, ranked[0][0]) == evidence
    relevances = [relevance for _, relevance in ranked]
    assert relevances == sorted(relevances, reverse=True)
