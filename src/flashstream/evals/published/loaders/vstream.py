"""VStream-QA (arXiv 2406.08085): offline `vs_ego`, `vs_movie`; online `rvs_ego`, `rvs_movie`.

Online questions have the moment at which they are asked, `end_time`: in Ego4D clips the second of
the original video (a clip begins at its `start_time` in `rvs_ego.json`), in movies the name of the
last key frame that has been shown.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flashstream.evals.published.annotations import Entry, first_of, gathered, json_entries
from flashstream.evals.published.question import Annotations, Question

_FILES = {
    "vs_ego": ("vstream", "vs_ego.json", "test_qa_ego4d.json"),
    "vs_movie": ("vstream", "vs_movie.json", "test_qa_movienet.json"),
    "rvs_ego": ("vstream-realtime", "rvs_ego.json", "test_qa_ego4d.json"),
    "rvs_movie": ("vstream-realtime", "rvs_movie.json", "test_qa_movienet.json"),
}


@dataclass(frozen=True, slots=True)
class _Span:
    """A clip's stretch of its original video, in seconds."""

    start_s: float
    end_s: float


def load(data: Path, part: str) -> Annotations:
    """`vstream/…` or `vstream-realtime/…`, see `_FILES`."""
    folder, clips, questions = _FILES[part]
    annotation = first_of(data, f"{folder}/{questions}", questions)
    entries = list(json_entries(annotation))
    files = [annotation]
    ends: Sequence[float | str | None] = [None] * len(entries)
    if part == "rvs_movie":
        ends = [_picture(entry) for entry in entries]
    elif part == "rvs_ego":
        files.append(first_of(data, f"{folder}/{clips}", clips))
        ends = _seconds(entries, _spans(files[-1]))
    return gathered(
        [_question(entry, end) for entry, end in zip(entries, ends, strict=True)], files
    )


def _question(entry: Entry, end: float | str | None) -> Question:
    video = entry.text("video_id")
    named = (entry.text("video_name"),) if "video_name" in entry.fields else ()
    return Question(
        id=entry.text("id"),
        video=video,
        media=(video, *named),
        text=entry.text("question"),
        answers=(entry.text("answer"),),
        groups=(("kind", entry.text("answer_type")),) if "answer_type" in entry.fields else (),
        end=end,
    )


def _spans(clips: Path) -> dict[str, _Span]:
    return {
        entry.text("video_id"): _Span(entry.number("start_time"), entry.number("end_time"))
        for entry in json_entries(clips)
    }


def _picture(entry: Entry) -> str:
    name = entry.text("end_time")
    if not any(letter.isalpha() for letter in name):
        raise entry.wrong(f"'end_time' is {name!r}; a key frame's name is taken, shot_0387_img_0")
    return Path(name).stem


def _seconds(entries: Sequence[Entry], spans: Mapping[str, _Span]) -> list[float]:
    """When each question is asked, in seconds since its clip's first frame.

    Times are the original video's; if not one and all of them fit their clips so, they are read as
    the clips' own.
    """
    for entry in entries:
        if entry.text("video_id") not in spans:
            raise entry.wrong(f"the list of clips has no video_id {entry.text('video_id')!r}")
    clips = [spans[entry.text("video_id")] for entry in entries]
    times = [entry.number("end_time") for entry in entries]
    original = [time - clip.start_s for time, clip in zip(times, clips, strict=True)]
    lengths = [clip.end_s - clip.start_s for clip in clips]
    for seconds in (original, times):
        if all(0 < at <= length + 1 for at, length in zip(seconds, lengths, strict=True)):
            return seconds
    wrong = next(
        (
            number
            for number, (at, length) in enumerate(zip(original, lengths, strict=True))
            if not (math.isfinite(at) and 0 < at <= length + 1)
        ),
        0,
    )
    clip = clips[wrong]
    raise entries[wrong].wrong(
        f"'end_time' is {times[wrong]:g}, outside of its clip, which is "
        f"{clip.start_s:g} to {clip.end_s:g} s of the original video"
    )
