"""NExT-QA (Xiao et al. 2021): multiple choice, and open-ended (NExT-OE)."""

from pathlib import Path
from typing import Any

from flashstream.errors import BenchmarkDataError
from flashstream.evals.published.annotations import (
    Entry,
    csv_entries,
    first_of,
    gathered,
    json_object,
)
from flashstream.evals.published.question import Annotations, Question

_OPTIONS = ("a0", "a1", "a2", "a3", "a4")
_COLUMNS = ("video", "question", "answer", "qid", "type")
_KINDS = {"C": "causal", "T": "temporal", "D": "descriptive"}


def load(data: Path, part: str) -> Annotations:
    """part: "mc" or "oe" (the test split), "mc_val" or "oe_val".

    `map_vid_vidorID.json`, if it is there, tells where a video lies in VidOR's folders.
    """
    task, _, split = part.partition("_")
    split = split or "test"
    repository = "NExT-QA" if task == "mc" else "NExT-OE"
    annotation = first_of(
        data,
        f"{task}/{split}.csv",
        f"{repository}/dataset/nextqa/{split}.csv",
        f"dataset/nextqa/{split}.csv",
        f"{split}.csv",
    )
    files = [annotation]
    places = _beside(annotation, data, "map_vid_vidorID.json")
    more = _beside(annotation, data, f"add_reference_answer_{split}.json") if task == "oe" else None
    files += [path for path in (more,) if path is not None]
    vidor = {} if places is None else json_object(places)
    also = {} if more is None else _second_answers(more)
    columns = (*_COLUMNS, *_OPTIONS) if task == "mc" else _COLUMNS
    questions = []
    for entry in csv_entries(annotation, columns):
        video, number, kind = entry.text("video"), entry.text("qid"), entry.text("type")
        options = tuple(entry.text(key) for key in _OPTIONS) if task == "mc" else ()
        questions.append(
            Question(
                id=f"{video}_{number}",
                video=video,
                media=(video, *((str(vidor[video]),) if video in vidor else ())),
                text=entry.text("question"),
                answers=_answers(entry, options, also.get(video, {}).get(number)),
                options=options,
                groups=(("kind", _kind(entry, kind)), ("type", kind)),
            )
        )
    return gathered(questions, files)


def _answers(entry: Entry, options: tuple[str, ...], second: str | None) -> tuple[str, ...]:
    if options:
        return (entry.letter_of_index(options),)
    first = entry.text("answer")
    return (first, str(second)) if second and str(second) != first else (first,)


def _second_answers(path: Path) -> dict[str, dict[str, Any]]:
    """{video: {question: answer}}."""
    found = json_object(path)
    for video, answers in found.items():
        if not isinstance(answers, dict):
            raise BenchmarkDataError(
                f"{path}, video {video!r}: an object of answers by question is taken",
                file=str(path),
                entry=video,
            )
    return found


def _kind(entry: Entry, kind: str) -> str:
    if kind[0] not in _KINDS:
        raise entry.wrong(f"'type' is {kind!r}; one that begins with C, T or D is taken")
    return _KINDS[kind[0]]


def _beside(annotation: Path, data: Path, name: str) -> Path | None:
    return next((p for p in (annotation.with_name(name), data / name) if p.is_file()), None)
