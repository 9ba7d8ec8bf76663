"""A question of a published benchmark, in the one form that all loaders give."""

from dataclasses import dataclass, field
from pathlib import Path

LETTERS = "ABCDEFGH"
"""Names of the options of a multiple-choice question, in their order."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one video.

    id: unique in its part of the benchmark.
    video: the video's name in the annotation; media: where it may lie, relative to a folder of
        videos, with or without an ending, the likeliest first.
    answers: what counts as right: texts (open-ended), letters (multiple choice), or nothing where
        the answer is not published.
    options: the texts of a multiple-choice question; empty for an open-ended one.
    groups: (group, value) pairs under which the answer is counted, e.g. ("kind", "causal").
    begin_s: frames before this second are not shown.
    end: only frames before this second (a number) are shown, or those up to and with the picture
        of this file name (a text); None shows all.
    folder_fps: pictures a second in a folder of this video's pictures, where the data set says so.
    context: text that belongs to the video, such as its subtitles.
    """

    id: str
    video: str
    media: tuple[str, ...]
    text: str
    answers: tuple[str, ...]
    options: tuple[str, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()
    begin_s: float = 0.0
    end: float | str | None = None
    folder_fps: float | None = None
    context: str = ""

    @property
    def judged(self) -> bool:
        """Whether a judge has to say if an answer is right."""
        return not self.options and bool(self.answers)


@dataclass(frozen=True, slots=True)
class Annotations:
    """What a loader read: the questions, and the files they come from."""

    questions: tuple[Question, ...]
    files: tuple[Path, ...] = field(repr=False)
