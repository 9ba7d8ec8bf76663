"""When things came, how long they stayed, how often and how many: `when`, `how_long`,
`how_many`."""

from math import exp, log
from typing import Final

import numpy as np

from flashstream.evals.world.questions import phrases, wording
from flashstream.evals.world.questions.answers import LEAST_WHEN_S, WHEN_TOLERANCE, Age, Count, Span
from flashstream.evals.world.questions.lexicon import with_article
from flashstream.evals.world.questions.presence import NO_GROUP, Round
from flashstream.evals.world.questions.scene import Scene

_TRIES: Final = 24
_SHORT_S: Final = 10.0


def when(scene: Scene) -> Round:
    """When a thing that came once did."""
    visit = scene.pick(scene.timeline.visits)
    moment = scene.moment_after(visit.first_s)
    if moment is None or not scene.only(visit, moment):
        return None
    age = moment - visit.first_s
    clock = phrases.say_clock(scene.start, visit.first_s)
    answer = Age(age, clock, _best_guess(*scene.ages, scene.frame_s))
    text = scene.pick(wording.WHEN).format(x=visit.name)
    return [scene.question("when", "came", text, moment, answer, age)]


def _best_guess(shortest: float, longest: float, frame_s: float) -> float:
    """The share of ages to which one guess is near enough, of ages spread evenly by logarithm."""
    guesses = np.geomspace(shortest, longest, 60)
    slack = LEAST_WHEN_S + frame_s / 2  # ages are whole frames
    low = np.minimum(guesses / (1 + WHEN_TOLERANCE), guesses - slack)
    high = np.maximum(guesses / (1 - WHEN_TOLERANCE), guesses + slack)
    near = np.log(np.minimum(high, longest)) - np.log(np.maximum(low, shortest))
    return float(near.max() / log(longest / shortest))


def how_long(scene: Scene) -> Round:
    """How long a thing that came once was there: of the stays there are, short and long ones are
    asked about equally often, and what only crossed is not."""
    longest = max(visit.last_s - visit.first_s for visit in scene.timeline.visits)
    if longest < 2 * _SHORT_S:
        return None
    about = exp(scene.rng.uniform(log(_SHORT_S), log(longest)))
    stays = (visit for visit in scene.timeline.visits if visit.last_s > visit.first_s)
    visit = min(stays, key=lambda v: abs(log((v.last_s - v.first_s) / about)))
    moment = scene.moment_after(visit.last_s)
    stay = visit.last_s - visit.first_s
    if moment is None or visit.path.action == "cross" or not scene.only(visit, moment):
        return None
    text = scene.pick(wording.HOW_LONG).format(x=visit.name)
    return [scene.question("how_long", "stay", text, moment, Span(stay), moment - visit.last_s)]


def times(scene: Scene) -> Round:
    """How often things have come of which, by one moment, one came never, one once, one twice."""
    drawn = scene.asked()
    if drawn is None:
        return None
    visit, moment = drawn
    counts: dict[str, int] = {}
    for each in scene.timeline.until(moment):
        if each.last_s >= moment:
            return None
        counts[each.name] = counts.get(each.name, 0) + 1
    by_count = [[name for name, count in counts.items() if count == n] for n in (1, 2)]
    if not all(by_count):
        return None
    text = scene.pick(wording.TIMES)
    never = scene.unseen(moment)
    if never is None:
        return None
    out = []
    for number, name in enumerate((never, *map(scene.pick, by_count))):
        answer = Count(number, 3, f"{phrases.say_times(number).capitalize()}.")
        of = text.format(a=with_article(name))
        out.append(scene.question("how_many", "times", of, moment, answer, moment - visit.last_s))
    return out


def different(scene: Scene) -> Round:
    """How many different things of a group came of late: at one moment one, at another two, for
    the same group and the same length of time."""
    drawn = scene.asked()
    if drawn is None:
        return None
    visit, moment = drawn
    group = visit.group
    if group == NO_GROUP:
        return None
    window = phrases.rounded((moment - visit.last_s) * float(scene.rng.uniform(1.2, 2)), scene.rng)
    text = scene.pick(wording.KINDS_WITHIN).format(g=group, w=phrases.say_span(window))
    found: dict[int, tuple[float, float]] = {}
    for _ in range(_TRIES):
        number = _kinds_within(scene, group, moment - window, moment)
        if number in (1, 2):
            found.setdefault(number, (moment, moment - visit.last_s))
        if len(found) == 2:
            break
        drawn = scene.asked()
        if drawn is not None and drawn[0].group == group:
            visit, moment = drawn
    if len(found) < 2:
        return None
    return [
        scene.question(
            "how_many",
            "different",
            text,
            found[number][0],
            Count(number, 2, f"{phrases.say_number(number).capitalize()}."),
            found[number][1],
        )
        for number in (1, 2)
    ]


def _kinds_within(scene: Scene, group: str, start_s: float, end_s: float) -> int | None:
    """How many names of a group were seen; None if a visit's end is too near to the start."""
    margin = max(2.0, 0.05 * (end_s - start_s))
    if start_s < 0 or any(abs(v.last_s - start_s) < margin for v in scene.timeline.visits):
        return None
    seen = scene.timeline.between(start_s, end_s)
    return len({visit.name for visit in seen if visit.group == group})
