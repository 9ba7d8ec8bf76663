"""In what order things came: `sequence_validation`, `ordered_narrative`."""

from itertools import pairwise, permutations

from flashstream.evals.world.questions import wording
from flashstream.evals.world.questions.answers import Choice, Things, YesNo
from flashstream.evals.world.questions.presence import Round
from flashstream.evals.world.questions.scene import Scene
from flashstream.evals.world.timeline import Visit


def before(scene: Scene) -> Round:
    """Whether one came before another: the pair both ways round, so one yes and one no."""
    drawn = _some(scene, 2)
    if drawn is None:
        return None
    (first, second), moment = drawn
    text = scene.pick(wording.BEFORE)
    return [
        scene.question(
            "sequence_validation",
            "two",
            text.format(x=x.name, y=y.name),
            moment,
            YesNo(x is first, f"the {first.name} came first"),
            moment - first.last_s,
        )
        for x, y in ((first, second), (second, first))
    ]


def in_order(scene: Scene) -> Round:
    """Whether three came in an order: the true one, and another."""
    drawn = _some(scene, 3)
    if drawn is None:
        return None
    came, moment = drawn
    wrong = scene.pick([order for order in permutations(came) if list(order) != came])
    text = scene.pick(wording.SEQUENCE)
    said = f"it was {', then '.join(f'the {visit.name}' for visit in came)}"
    return [
        scene.question(
            "sequence_validation",
            "three",
            text.format(x=x.name, y=y.name, z=z.name),
            moment,
            YesNo(yes, said),
            moment - came[0].last_s,
        )
        for (x, y, z), yes in ((came, True), (wrong, False))
    ]


def narrative(scene: Scene) -> Round:
    """Three that came, to be put in order; they are named in any order."""
    drawn = _some(scene, 3)
    if drawn is None:
        return None
    came, moment = drawn
    x, y, z = (visit.name for visit in scene.some(came, 3))
    return [
        scene.question(
            "ordered_narrative",
            "three",
            scene.pick(wording.ORDER).format(x=x, y=y, z=z),
            moment,
            Things(tuple(visit.name for visit in came), ordered=True, exact=True, chance=1 / 6),
            moment - came[0].last_s,
        )
    ]


def which_first(scene: Scene) -> Round:
    """Which of two came first; asked both ways round."""
    drawn = _some(scene, 2)
    if drawn is None:
        return None
    (first, second), moment = drawn
    text = scene.pick(wording.WHICH_FIRST)
    out = []
    for x, y in ((first, second), (second, first)):
        # The key is the place in the question, so that a guess by place counts as one.
        options = (("first named", _word(x)), ("second named", _word(y)))
        answer = Choice(options, int(x is not first), f"The {first.name}.")
        out.append(
            scene.question(
                "ordered_narrative",
                "which first",
                text.format(x=x.name, y=y.name),
                moment,
                answer,
                moment - first.last_s,
            )
        )
    return out


def _some(scene: Scene, count: int) -> tuple[list[Visit], float] | None:
    """That many visits, each the only one of its name, none begun before an earlier one was over;
    the moment is at the wanted horizon after the first of them."""
    drawn = scene.asked()
    if drawn is None or not scene.only(*drawn):
        return None
    visit, moment = drawn
    later = [each for each in scene.only_ones(moment) if each.first_s > visit.last_s]
    if len(later) < count - 1:
        return None
    came = sorted([visit, *scene.some(later, count - 1)], key=lambda each: each.first_s)
    if any(b.first_s <= a.last_s for a, b in pairwise(came)):
        return None
    return came, moment


def _word(visit: Visit) -> str:
    return rf"\b{visit.name}s?\b"
