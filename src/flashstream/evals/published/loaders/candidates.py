"""MLVU (arXiv 2406.04264) and MVBench (arXiv 2311.17005): a JSON file a task, with candidates.

The published files have an entry without any words, which is left out; a few whose answer is none
of the candidates, which cannot be answered right (a file of many such is refused); and candidates
that are empty or come twice: where such a one is the answer, each of them is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from flashstream.evals.published.annotations import Entry, first_of, gathered, json_entries
from flashstream.evals.published.question import Annotations, Question

MLVU_TASKS = (
    "1_plotQA",
    "2_needle",
    "3_ego",
    "4_count",
    "5_order",
    "6_anomaly_reco",
    "7_topic_reasoning",
)
TVQA_FPS = 3.0
IMPOSSIBLE = "-"
"""In place of a letter where the answer is none of the candidates."""

_MOST_ODD = 0.05

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """One task of MVBench: its videos' folder, and whether entries cut a stretch out of a video."""

    folder: str
    cut: bool = False
    folder_fps: float | None = None


MVBENCH_TASKS = {
    "action_sequence": Task("star/Charades_v1_480", cut=True),
    "action_prediction": Task("star/Charades_v1_480", cut=True),
    "action_antonym": Task("ssv2_video"),
    "fine_grained_action": Task("Moments_in_Time_Raw/videos"),
    "unexpected_action": Task("FunQA_test/test"),
    "object_existence": Task("clevrer/video_validation"),
    "object_interaction": Task("star/Charades_v1_480", cut=True),
    "object_shuffle": Task("perception/videos"),
    "moving_direction": Task("clevrer/video_validation"),
    "action_localization": Task("sta/sta_video", cut=True),
    "scene_transition": Task("scene_qa/video"),
    "action_count": Task("perception/videos"),
    "moving_count": Task("clevrer/video_validation"),
    "moving_attribute": Task("clevrer/video_validation"),
    "state_change": Task("perception/videos"),
    "fine_grained_pose": Task("nturgbd"),
    "character_order": Task("perception/videos"),
    "egocentric_navigation": Task("vlnqa"),
    "episodic_reasoning": Task("tvqa/frames_fps3_hq", cut=True, folder_fps=TVQA_FPS),
    "counterfactual_inference": Task("clevrer/video_validation"),
}


def load_mlvu(data: Path, part: str) -> Annotations:
    """`json/1_plotQA.json` to `json/7_topic_reasoning.json`: the multiple-choice tasks of `dev`."""
    questions: list[Question] = []
    files = [first_of(data, f"json/{task}.json", f"data/{task}.json") for task in MLVU_TASKS]
    for task, file in zip(MLVU_TASKS, files, strict=True):
        for number, entry in _asked(file):
            video = entry.text("video")
            groups = (("kind", entry.text("question_type")),)
            media = (f"{task}/{video}", video)
            questions.append(_question(entry, f"{task}/{number}", media, groups))
    return gathered(questions, files)


def load_mvbench(data: Path, part: str) -> Annotations:
    """`json/action_sequence.json` and nineteen more."""
    questions: list[Question] = []
    files = [first_of(data, f"json/{name}.json") for name in MVBENCH_TASKS]
    for (name, task), file in zip(MVBENCH_TASKS.items(), files, strict=True):
        for number, entry in _asked(file):
            media = (f"{task.folder}/{entry.text('video')}",)
            questions.append(_question(entry, f"{name}/{number}", media, (("kind", name),), task))
    return gathered(questions, files)


def _asked(file: Path) -> Iterator[tuple[int, Entry]]:
    """The entries of a file with their numbers, blank ones left out, odd ones warned of."""
    entries = list(enumerate(json_entries(file)))
    blank = [entry for _, entry in entries if _is_blank(entry)]
    asked = [(number, entry) for number, entry in entries if not _is_blank(entry)]
    odd = [e for _, e in asked if not e.letters_of_text(e.texts("candidates", empty=True))]
    if len(odd) > _MOST_ODD * len(asked):
        options = list(odd[0].texts("candidates", empty=True))
        answer = odd[0].fields["answer"]
        raise odd[0].wrong(f"'answer' is {answer!r}, which is none of the candidates {options}")
    if blank or odd:
        _log.warning(
            "entries without words are left out; answers that are no candidates count as wrong",
            file=str(file),
            left_out=[entry.place for entry in blank],
            wrong=[entry.place for entry in odd],
        )
    yield from asked


def _is_blank(entry: Entry) -> bool:
    words = (entry.text("question", empty=True), *entry.texts("candidates", empty=True))
    return not any(words)


def _question(
    entry: Entry,
    name: str,
    media: tuple[str, ...],
    groups: tuple[tuple[str, str], ...],
    task: Task | None = None,
) -> Question:
    options = entry.texts("candidates", empty=True)
    begin_s, end = 0.0, None
    if task is not None and task.cut:
        begin_s, end = entry.number("start"), entry.number("end")
        if not 0 <= begin_s < end:
            raise entry.wrong(f"'start' is {begin_s:g} and 'end' {end:g}; 0 ≤ start < end is taken")
    return Question(
        id=name,
        video=entry.text("video"),
        media=media,
        text=entry.text("question"),
        answers=entry.letters_of_text(options) or (IMPOSSIBLE,),
        options=options,
        groups=groups,
        begin_s=begin_s,
        end=end,
        folder_fps=None if task is None else task.folder_fps,
    )
