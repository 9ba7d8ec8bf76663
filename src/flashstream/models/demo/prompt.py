"""The text around the demo model's memory."""

import re

from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.demo.clock import annotate
from flashstream.models.family import Prompt

BEFORE = "<|im_start|>user\nWhat the camera saw:"
_CONTROL = re.compile(r"<\|.*?\|>|<[a-z]+_[a-z_]+>|<reponame>", re.IGNORECASE)


def question_text(question: str) -> str:
    """The question on one line, without words that the tokenizer reads as control tokens."""
    return " ".join(_CONTROL.sub(" ", question).split())


def after(question: str) -> str:
    """All that follows the memory, for a question whose times are annotated already."""
    return f"\nQuestion: {question}<|im_end|>\n<|im_start|>assistant\n"


def build(question: str, snapshot: MemorySnapshot) -> Prompt:
    """The prompt of a question about a snapshot."""
    text = annotate(question_text(question), snapshot.slots, snapshot.as_of)
    return Prompt(BEFORE, after(text))
