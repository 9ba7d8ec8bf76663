"""MSVD-QA, MSRVTT-QA (Xu et al. 2017) and ActivityNet-QA (Yu et al. 2019): short open answers."""

from pathlib import Path

from flashstream.evals.published.annotations import (
    Entry,
    first_of,
    gathered,
    json_entries,
    read,
)
from flashstream.evals.published.question import Annotations, Question

_WORDS = ("what", "who", "how", "when", "where")
_ACTIVITY_KINDS = {0: "motion", 1: "spatial relationship", 2: "temporal relationship"}
_ACTIVITY_ANSWERS = {
    3: "yes/no",
    4: "color",
    5: "object",
    6: "location",
    7: "number",
    8: "other",
}


def load_msvd(data: Path, part: str) -> Annotations:
    """`{part}_qa.json` and, where the videos keep their own names, `youtube_mapping.txt`."""
    annotation = first_of(data, f"{part}_qa.json")
    mapping = data / "youtube_mapping.txt"
    names = _youtube_names(mapping) if mapping.is_file() else {}
    questions = []
    for entry in json_entries(annotation):
        video = f"vid{entry.text('video_id')}"
        media = (video, *((names[video],) if video in names else ()))
        questions.append(_worded(entry, video, media))
    return gathered(questions, [annotation])


def load_msrvtt(data: Path, part: str) -> Annotations:
    """`{part}_qa.json`."""
    annotation = first_of(data, f"{part}_qa.json")
    questions = []
    for entry in json_entries(annotation):
        video = f"video{entry.text('video_id')}"
        questions.append(_worded(entry, video, (video,)))
    return gathered(questions, [annotation])


def load_activitynet(data: Path, part: str) -> Annotations:
    """`{part}_q.json` and `{part}_a.json`, joined by `question_id`."""
    asked = first_of(data, f"{part}_q.json", f"dataset/{part}_q.json")
    told = first_of(data, f"{part}_a.json", f"dataset/{part}_a.json")
    answers = {entry.text("question_id"): entry for entry in json_entries(told)}
    questions = []
    for entry in json_entries(asked):
        name, number = entry.text("video_name"), entry.text("question_id")
        if number not in answers:
            raise entry.wrong(f"{told.name} has no answer to question_id {number!r}")
        answer = answers[number]
        questions.append(
            Question(
                id=number,
                video=name,
                media=(f"v_{name}", name),
                text=entry.text("question"),
                answers=(answer.text("answer"),),
                groups=_activity_groups(answer),
            )
        )
    return gathered(questions, [asked, told])


def _worded(entry: Entry, video: str, media: tuple[str, ...]) -> Question:
    text = entry.text("question")
    word = text.split()[0].lower()
    return Question(
        id=entry.text("id"),
        video=video,
        media=media,
        text=text,
        answers=(entry.text("answer"),),
        groups=(("kind", word if word in _WORDS else "other"),),
    )


def _activity_groups(answer: Entry) -> tuple[tuple[str, str], ...]:
    kind = answer.number("type")
    if kind in _ACTIVITY_KINDS:
        return (("kind", _ACTIVITY_KINDS[int(kind)]),)
    if kind in _ACTIVITY_ANSWERS:
        return (("kind", "free"), ("answer_type", _ACTIVITY_ANSWERS[int(kind)]))
    raise answer.wrong(f"'type' is {kind:g}; 0 to 8 is taken")


def _youtube_names(mapping: Path) -> dict[str, str]:
    names = {}
    for number, line in enumerate(read(mapping).splitlines(), 1):
        words = line.split()
        if len(words) == 2:
            names[words[1]] = words[0]
        elif words:
            raise Entry(mapping, f"line {number}", {}).wrong(
                "a video's own name and its 'vidN' are taken"
            )
    return names
