"""A world for people to look at: its film, its truth, and questions with their answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from flashstream.errors import InvalidRequestError
from flashstream.evals.world.film import film
from flashstream.evals.world.pictures import SETS
from flashstream.evals.world.questions.phrases import say_clock, say_span
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.sampler import Wanted, sample
from flashstream.evals.world.world import World, WorldSpec
from flashstream.models.family import Progress

_SHEET_COLUMNS = 4
_SHEET_MOST = 24


def show(spec: WorldSpec, to: Path, report: Progress, *, of_each: int = 4) -> dict[str, Any]:
    """Write world.mp4, sheet.png (a frame of each visit), timeline.json, timeline.md,
    questions.json and questions.md into the folder `to`, which is made if it is not there.

    Returns what was written where, and the world's facts. Raises `InvalidRequestError` for a spec
    that makes no world or a folder that cannot be made, `MissingPackageError`.
    """
    world = World(spec)
    report("planning the world", 0.0)
    visits = world.timeline.visits
    report("planning the world", 1.0)
    questions = sample(world, Wanted(of_each))
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise InvalidRequestError(f"{to} cannot be made a folder: {failure.strerror}") from failure
    facts = {
        "split": spec.split,
        "seed": spec.seed,
        "length_s": spec.length_s,
        "fps": spec.fps,
        "size": list(spec.size),
        "start": world.start.isoformat(),
        "frames": len(world),
        "visits": world.timeline.facts(),
    }
    _write(to / "timeline.json", json.dumps(facts, indent=2) + "\n")
    _write(to / "timeline.md", _timeline(world))
    answers = [question.facts() for question in questions]
    _write(to / "questions.json", json.dumps(answers, indent=2) + "\n")
    _write(to / "questions.md", _questions(questions))
    _sheet(world).save(to / "sheet.png")
    film(world, to / "world.mp4", report=lambda share: report("filming the world", share))
    return {
        "folder": str(to),
        "files": sorted(each.name for each in to.iterdir() if each.is_file()),
        "frames": len(world),
        "visits": len(visits),
        "questions": len(questions),
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _timeline(world: World) -> str:
    spec = world.spec
    lines = [
        f"# World {spec.split}-{spec.seed}",
        "",
        f"{say_span(spec.length_s)}, {spec.fps:g} frame(s) a second, from "
        f"{world.start:%Y-%m-%d %H:%M:%S} UTC.",
        "",
        "| first seen | last seen | stayed | who | picture | did | from | to |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for visit in world.timeline.visits:
        first, last = (say_clock(world.start, at) for at in (visit.first_s, visit.last_s))
        path = visit.path
        stayed = say_span(visit.last_s - visit.first_s)
        lines.append(
            f"| {first} | {last} | {stayed} | {visit.name} | {visit.picture.id} | {path.action} "
            f"| {path.came_from} | {path.left_to} |"
        )
    used = sorted({visit.picture.set for visit in world.timeline.visits})
    lines += ["", "Pictures:", *(f"- {SETS[name].licence}" for name in used)]
    return "\n".join(lines) + "\n"


def _questions(questions: Sequence[Question]) -> str:
    lines = [
        "| asked at | kind | question | right answer | since the event |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {each.asked_at:%H:%M:%S} | {each.kind} | {each.text} | {each.answer.text} "
        f"| {say_span(each.horizon_s)} |"
        for each in questions
    ]
    return "\n".join(lines) + "\n"


def _sheet(world: World) -> Image.Image:
    """A frame from the middle of each visit, at most `_SHEET_MOST`."""
    width, height = world.spec.size
    visits = world.timeline.visits[:_SHEET_MOST]
    rows = -(-len(visits) // _SHEET_COLUMNS)
    sheet = Image.new("RGB", (width * _SHEET_COLUMNS, height * rows))
    for number, visit in enumerate(visits):
        middle = int((visit.first_s + visit.last_s) / 2 * world.spec.fps)
        place = (number % _SHEET_COLUMNS * width, number // _SHEET_COLUMNS * height)
        sheet.paste(Image.fromarray(world.frame(middle)), place)
    return sheet
