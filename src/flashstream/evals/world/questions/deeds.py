"""What a visitor did, and from and to which side: `action_description`."""

from typing import Final

from flashstream.evals.world.questions import wording
from flashstream.evals.world.questions.answers import Choice
from flashstream.evals.world.questions.presence import Round
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.scene import Scene
from flashstream.evals.world.timeline import Visit

ACTIONS: Final = (
    ("stand", r"\bst(?:and|ood)\w*|\bstill\b|\bstay\w*"),
    ("pace", r"\bto and fro\b|\bback and forth\b|\bpac(?:e|ed|ing)\b"),
    ("cross", r"\bcross\w*|\bpass\w*|\bwent through\b"),
)
SIDES: Final = (
    ("left", r"\bleft\b(?!\s+(?:to|at|on|through|by)\b)"),  # "it left to the right"
    ("right", r"\bright\b"),
)
_SAID: Final = {
    "stand": "It stood still.",
    "pace": "It walked to and fro.",
    "cross": "It crossed the picture.",
}


def action(scene: Scene) -> Round:
    """What three visitors did of whom one stood, one paced and one crossed."""
    drawn = [_alone(scene, kind) for kind, _ in ACTIONS]
    if any(each is None for each in drawn):
        return None
    text = scene.pick(wording.ACTION)
    out = []
    for number, each in enumerate(drawn):
        if each is None:
            return None
        visit, moment = each
        answer = Choice(ACTIONS, number, _SAID[visit.path.action])
        out.append(_about(scene, "action", text, visit, moment, answer))
    return out


def side(scene: Scene) -> Round:
    """From which side two came, or to which they left: one left, one right."""
    coming = scene.rng.random() < 0.5
    text = scene.pick(wording.CAME_FROM if coming else wording.LEFT_TO)
    out = []
    for number, (where, _) in enumerate(SIDES):
        each = _alone(scene, None, came=where if coming else None, to=None if coming else where)
        if each is None:
            return None
        said = f"{'From' if coming else 'To'} the {where}."
        template = "came from" if coming else "left to"
        out.append(_about(scene, template, text, *each, Choice(SIDES, number, said)))
    return out


def _alone(
    scene: Scene, action: str | None, came: str | None = None, to: str | None = None
) -> tuple[Visit, float] | None:
    """A visit, over and the only one of its name, of that action and those sides; with a moment."""
    fitting = [
        visit
        for visit in scene.timeline.visits
        if (action is None or visit.path.action == action)
        and (came is None or visit.path.came_from == came)
        and (to is None or visit.path.left_to == to)
    ]
    if not fitting:
        return None
    for _ in range(8):
        visit = scene.pick(fitting)
        moment = scene.moment_after(visit.last_s)
        if moment is not None and scene.only(visit, moment):
            return visit, moment
    return None


def _about(
    scene: Scene, template: str, text: str, visit: Visit, moment: float, answer: Choice
) -> Question:
    return scene.question(
        "action_description",
        template,
        text.format(x=visit.name),
        moment,
        answer,
        moment - visit.last_s,
    )
