"""Video-MME (arXiv 2405.21075): short, medium and long videos, with subtitles or without."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flashstream.errors import BenchmarkDataError
from flashstream.evals.published.annotations import (
    Entry,
    first_of,
    gathered,
    json_entries,
    jsonl_entries,
)
from flashstream.evals.published.question import Annotations, Question

_NAMES = (
    "video_mme.json",
    "videomme.json",
    "test.json",
    "test.jsonl",
    "videomme/test.json",
    "videomme/test.jsonl",
)
_LETTER = re.compile(r"^\(?[A-H][.):]\s*")
_TIMES = re.compile(r"-->")
_MARKUP = re.compile(r"<[^>]*>|\{\\[^}]*\}")


def load(data: Path, part: str) -> Annotations:
    """The list of videos with their questions, or the table's rows (see docs/published.md).

    part: "without_subtitles", or "with_subtitles" from `subtitle/{videoID}.srt`; a video without
    such a file has none, as published.
    """
    annotation = _annotation(data)
    entries = jsonl_entries if annotation.suffix == ".jsonl" else json_entries
    questions = []
    subtitles = data / "subtitle" if part == "with_subtitles" else None
    if subtitles is not None and not subtitles.is_dir():
        raise BenchmarkDataError(
            f"there is no folder {subtitles} with subtitles, '{{videoID}}.srt'"
        )
    for entry in entries(annotation):
        questions += _nested(entry) if "questions" in entry.fields else [_flat(entry)]
    if subtitles is not None:
        questions = list(_subtitled(questions, subtitles))
    return gathered(questions, [annotation])


def subtitle_text(path: Path) -> str:
    """The words of an .srt file, a line for each subtitle."""
    said = []
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as failure:
        raise BenchmarkDataError(f"cannot read the subtitles {path}: {failure}") from None
    for block in re.split(r"\n\s*\n", content.replace("\r\n", "\n").strip()):
        lines = block.split("\n")
        begin = next((n + 1 for n, line in enumerate(lines) if _TIMES.search(line)), None)
        if begin is not None:
            said.append(" ".join(_MARKUP.sub("", " ".join(lines[begin:])).split()))
    return "\n".join(line for line in said if line)


def _annotation(data: Path) -> Path:
    try:
        return first_of(data, *_NAMES)
    except BenchmarkDataError as failure:
        tables = sorted(data.glob("**/*.parquet")) if data.is_dir() else []
        if not tables:
            raise
        raise BenchmarkDataError(
            f"{failure.message}; {tables[0]} is a Parquet table: write its rows as JSON lines "
            f"to {data / 'test.jsonl'} (docs/published.md)"
        ) from None


def _nested(entry: Entry) -> list[Question]:
    sub = "video_sub_category" if "video_sub_category" in entry.fields else "video_subcategory"
    groups = (
        ("duration", entry.text("duration_category")),
        ("domain", entry.text("video_category")),
        ("sub_category", entry.text(sub)),
    )
    video = _youtube_id(entry)
    names = (video, entry.text("video_id"))
    return [
        _question(asked, names, groups, asked.texts("choices"))
        for asked in entry.parts("questions")
    ]


def _flat(entry: Entry) -> Question:
    groups = (
        ("duration", entry.text("duration")),
        ("domain", entry.text("domain")),
        ("sub_category", entry.text("sub_category")),
    )
    names = (entry.text("videoID"), entry.text("video_id"))
    return _question(entry, names, groups, entry.texts("options"))


def _question(
    entry: Entry,
    names: tuple[str, ...],
    groups: tuple[tuple[str, str], ...],
    choices: tuple[str, ...],
) -> Question:
    options = tuple(_LETTER.sub("", choice) for choice in choices)
    return Question(
        id=entry.text("question_id"),
        video=names[0],
        media=tuple(dict.fromkeys(names)),
        text=entry.text("question"),
        answers=(entry.letter(options),),
        options=options,
        groups=(*groups, ("kind", entry.text("task_type"))),
    )


def _youtube_id(entry: Entry) -> str:
    url = entry.text("url")
    return url.rpartition("v=")[2].partition("&")[0] if "v=" in url else url.rpartition("/")[2]


def _subtitled(questions: list[Question], folder: Path) -> Iterator[Question]:
    texts: dict[str, str] = {}
    for question in questions:
        if question.video not in texts:
            path = folder / f"{question.video}.srt"
            texts[question.video] = subtitle_text(path) if path.is_file() else ""
        yield replace(question, context=texts[question.video])
