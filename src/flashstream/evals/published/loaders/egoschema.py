"""EgoSchema (Mangalam et al. 2023): five options about three minutes of Ego4D."""

from pathlib import Path

from flashstream.evals.published.annotations import Entry, first_of, gathered, json_entries
from flashstream.evals.published.annotations import json_object as read_object
from flashstream.evals.published.question import Annotations, Question

_OPTIONS = 5


def load(data: Path, part: str) -> Annotations:
    """`questions.json` and `subset_answers.json`.

    part: "subset" asks the 500 questions whose answers are published, "all" every question: those
    without an answer are only asked, for the organisers' server.
    """
    asked = first_of(data, "questions.json")
    told = first_of(data, "subset_answers.json")
    known = read_object(told)
    questions = []
    for entry in json_entries(asked):
        uid = entry.text("q_uid")
        if uid not in known and part == "subset":
            continue
        options = tuple(entry.text(f"option {number}") for number in range(_OPTIONS))
        answers: tuple[str, ...] = ()
        if uid in known:
            answers = (Entry(told, uid, known).letter_of_index(options, uid),)
        questions.append(
            Question(
                id=uid,
                video=uid,
                media=(uid,),
                text=entry.text("question"),
                answers=answers,
                options=options,
            )
        )
    return gathered(questions, [asked, told])
