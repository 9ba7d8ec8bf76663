"""A judge's verdict, and reading one out of what a judge says."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_OBJECT = re.compile(r"\{[^{}]*\}")
_YES = {"yes", "true", "correct", "1"}
_NO = {"no", "false", "incorrect", "0"}
MAX_SCORE = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is right, and how well it matches, 0 to 5."""

    correct: bool
    score: float


def read_verdict(said: str) -> Verdict | None:
    """The verdict in a judge's reply, None if there is none that can be read.

    Taken: the last object with a yes/no under "correct" (or "pred") and a number from 0 to 5
    under "score", as JSON or as Python writes it, with any text around it.
    """
    found = None
    for content in _objects(said):
        found = _verdict({str(key).lower(): value for key, value in content.items()}) or found
    return found


def _objects(said: str) -> Iterator[dict[Any, Any]]:
    for text in _OBJECT.findall(said):
        for read in (json.loads, ast.literal_eval):
            try:
                content = read(text)
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
            if isinstance(content, dict):
                yield content
                break


def _verdict(content: dict[str, Any]) -> Verdict | None:
    said = str(content.get("correct", content.get("pred", ""))).strip().lower()
    if said not in _YES | _NO:
        return None
    score = content.get("score")
    if isinstance(score, bool):
        return None
    try:
        value = float(str(score).split("/")[0])
    except ValueError:
        return None
    return Verdict(said in _YES, value) if 0.0 <= value <= MAX_SCORE else None
