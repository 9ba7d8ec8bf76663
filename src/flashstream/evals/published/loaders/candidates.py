"""MLVU (arXiv 2406.04264) and MVBench (arXiv 2311.17005): a JSON file a task, with candidates."""

from dataclasses import dataclass
from pathlib import Path

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
    questions, files = [], []
    for task in MLVU_TASKS:
        files.append(first_of(data, f"json/{task}.json", f"data/{task}.json"))
        for number, entry in enumerate(json_entries(files[-1])):
            video = entry.text("video")
            groups = (("kind", entry.text("question_type")),)
            questions.append(
                _question(entry, f"{task}/{number}", (f"{task}/{video}", video), groups)
            )
    return gathered(questions, files)


def load_mvbench(data: Path, part: str) -> Annotations:
    """`json/action_sequence.json` and nineteen more."""
    questions, files = [], []
    for name, task in MVBENCH_TASKS.items():
        files.append(first_of(data, f"json/{name}.json"))
        for number, entry in enumerate(json_entries(files[-1])):
            media = (f"{task.folder}/{entry.text('video')}",)
            groups = (("kind", name),)
            questions.append(_question(entry, f"{name}/{number}", media, groups, task))
    return gathered(questions, files)


def _question(
    entry: Entry,
    name: str,
    media: tuple[str, ...],
    groups: tuple[tuple[str, str], ...],
    task: Task | None = None,
) -> Question:
    options = entry.texts("candidates")
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
        answers=(entry.letter_of_text(options),),
        options=options,
        groups=groups,
        begin_s=begin_s,
        end=end,
        folder_fps=None if task is None else task.folder_fps,
    )
