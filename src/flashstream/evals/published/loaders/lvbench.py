"""LVBench (arXiv 2406.08035): questions about videos of an hour and more."""

import re
from pathlib import Path

from flashstream.evals.published.annotations import Entry, first_of, gathered, jsonl_entries
from flashstream.evals.published.question import LETTERS, Annotations, Question

_OPTION = re.compile(r"\n\s*\(([A-H])\)\s*")


def load(data: Path, part: str) -> Annotations:
    """`video_info.meta.jsonl`: a video in each line, its options within the questions' text."""
    annotation = first_of(data, "video_info.meta.jsonl", "data/video_info.meta.jsonl")
    questions = []
    for video in jsonl_entries(annotation):
        key = video.text("key")
        for entry in video.parts("qa"):
            text, options = _parted(entry)
            kinds = tuple(("kind", kind) for kind in entry.texts("question_type"))
            questions.append(
                Question(
                    id=entry.text("uid"),
                    video=key,
                    media=(key,),
                    text=text,
                    answers=(entry.letter(options),),
                    options=options,
                    groups=(*kinds, ("video_type", video.text("type"))),
                )
            )
    return gathered(questions, [annotation])


def _parted(entry: Entry) -> tuple[str, tuple[str, ...]]:
    """A question's words and its options, which follow as lines "(A) …"."""
    text, *rest = _OPTION.split(entry.text("question"))
    letters, options = rest[::2], tuple(option.strip() for option in rest[1::2])
    if len(options) < 2 or "".join(letters) != LETTERS[: len(letters)]:
        raise entry.wrong("'question' has no lines '(A) …', '(B) …' in their order")
    return text.strip(), options
