"""What is there now, was it ever there, what was there of late: `now`, `event_occurrence`,
`scene_summary`, `between`."""

from flashstream.evals.world.questions import phrases, wording
from flashstream.evals.world.questions.answers import Things, YesNo
from flashstream.evals.world.questions.lexicon import with_article
from flashstream.evals.world.questions.question import Question
from flashstream.evals.world.questions.scene import Scene
from flashstream.evals.world.timeline import Visit

Round = list[Question] | None

NO_GROUP = "things"  # "which things" would ask of all
NOTHING_SHARE = 0.1
MOST_LISTED = 5
_CLEARLY = 1.25  # how far from a window's edge what is asked about must be, as a factor


def now(scene: Scene) -> Round:
    """What is there, or seldom that nothing is. Horizon 0, whatever is wanted."""
    visit = scene.pick(scene.timeline.visits)
    if scene.rng.random() < NOTHING_SHARE:
        moment = scene.frame_at(visit.last_s + float(scene.rng.uniform(2, 60)))
        if moment > scene.timeline.visits[-1].last_s or scene.timeline.seen_at(moment):
            return None
    else:
        moment = scene.frame_at(float(scene.rng.uniform(visit.first_s, visit.last_s)))
        if not visit.seen_at(moment):
            return None
    if not scene.clear(moment):
        return None
    there = tuple(dict.fromkeys(each.name for each in scene.timeline.seen_at(moment)))
    answer = Things(there, exact=True, chance=NOTHING_SHARE)
    return [scene.question("now", "what", scene.pick(wording.NOW), moment, answer, 0.0)]


def now_is(scene: Scene) -> Round:
    """A thing that is there and, at the same moment, one that is not: one that was there before,
    comes later, or never comes."""
    visit = scene.pick(scene.timeline.visits)
    moment = scene.frame_at(float(scene.rng.uniform(visit.first_s, visit.last_s)))
    if not visit.seen_at(moment) or not scene.clear(moment):
        return None
    there = {each.name for each in scene.timeline.seen_at(moment)}
    before = [name for name in scene.timeline.distinct(moment) if name not in there]
    absent = scene.pick(before) if before and scene.rng.random() < 0.5 else scene.unseen(moment)
    if absent is None:
        return None
    text = scene.pick(wording.NOW_IS)
    return [
        scene.question("now", "is", text.format(a=with_article(name)), moment, YesNo(yes), 0.0)
        for name, yes in ((visit.name, True), (absent, False))
    ]


def ever(scene: Scene) -> Round:
    """A thing that was seen and one that was not by then."""
    drawn = scene.asked()
    if drawn is None:
        return None
    visit, moment = drawn
    if scene.timeline.of(visit.name, moment)[-1] is not visit:
        return None
    text = scene.pick(wording.EVER)
    return _yes_and_no(scene, "ever", text, "", moment, visit, scene.unseen(moment))


def ever_within(scene: Scene) -> Round:
    """The same of a stretch of time up to the moment; what was there only before it is a no too."""
    drawn = scene.asked()
    if drawn is None:
        return None
    visit, moment = drawn
    if scene.timeline.of(visit.name, moment)[-1] is not visit:
        return None
    age = moment - visit.last_s
    window = phrases.rounded(age * float(scene.rng.uniform(1.5, 3.0)), scene.rng)
    if not age * _CLEARLY < window <= moment:
        return None
    last = {each.name: each.last_s for each in scene.timeline.until(moment)}
    earlier = [name for name, at in last.items() if moment - at > window * _CLEARLY]
    absent = scene.pick(earlier) if earlier and scene.rng.random() < 0.5 else scene.unseen(moment)
    text = scene.pick(wording.EVER_WITHIN)
    return _yes_and_no(scene, "within", text, phrases.say_span(window), moment, visit, absent)


def summary(scene: Scene) -> Round:
    """Everything, or everything of a group, that was seen in a stretch of time up to the moment."""
    drawn = scene.asked()
    if drawn is None:
        return None
    visit, moment = drawn
    age = moment - visit.last_s
    window = phrases.rounded(age * float(scene.rng.uniform(1.3, 2.0)), scene.rng)
    if window > moment or not _clear_edge(scene, moment - window, window):
        return None
    seen = scene.timeline.between(moment - window, moment)
    grouped = visit.group != NO_GROUP and scene.rng.random() < 0.7
    if grouped:
        seen = tuple(each for each in seen if each.group == visit.group)
    names = tuple(dict.fromkeys(each.name for each in seen))
    if visit.name not in names or len(names) > MOST_LISTED:
        return None
    text = scene.pick(wording.SUMMARY_GROUP if grouped else wording.SUMMARY)
    text = text.format(w=phrases.say_span(window), g=visit.group)
    template = "group" if grouped else "all"
    oldest = min(moment - each.last_s for each in seen if each.name == visit.name)
    answer = Things(names)
    return [scene.question("scene_summary", template, text, moment, answer, max(0.0, oldest))]


def between(scene: Scene) -> Round:
    """Who came in a stretch of time that is over, in order; seldom nobody."""
    visit = scene.pick(scene.timeline.visits)
    moment = scene.moment_after(visit.first_s)
    if moment is None:
        return None
    age = moment - visit.first_s
    late = age * float(scene.rng.uniform(0.3, 0.85))
    early = age * float(scene.rng.uniform(1.15, 1.9))
    if scene.rng.random() < NOTHING_SHARE:
        late, early = age * float(scene.rng.uniform(1.15, 1.5)), early * 1.5
    late, early = phrases.rounded(late, scene.rng), phrases.rounded(early, scene.rng)
    if early > moment or early - late < 4:
        return None
    came = _arrivals(scene, moment - early, moment - late)
    if came is None or len(came) > 4:
        return None
    by_clock = scene.rng.random() < 0.3
    if by_clock:
        said = [phrases.say_clock(scene.start, moment - each) for each in (early, late)]
    else:
        said = [phrases.say_span(each) for each in (early, late)]
    text = scene.pick(wording.BETWEEN_CLOCK if by_clock else wording.BETWEEN)
    answer = Things(tuple(each.name for each in came), ordered=True, chance=NOTHING_SHARE)
    return [
        scene.question(
            "between",
            "clock" if by_clock else "ago",
            text.format(p=said[0], q=said[1]),
            moment,
            answer,
            moment - came[0].first_s if came else age,
        )
    ]


def _arrivals(scene: Scene, start_s: float, end_s: float) -> list[Visit] | None:
    """Who came in that time; None if it is in doubt: near its edges, or a name twice."""
    margin = max(2.0, 0.05 * (end_s - start_s))
    came = []
    for visit in scene.timeline.visits:
        if min(abs(visit.first_s - start_s), abs(visit.first_s - end_s)) < margin:
            return None
        if start_s < visit.first_s < end_s:
            came.append(visit)
    return came if len({visit.name for visit in came}) == len(came) else None


def _clear_edge(scene: Scene, start_s: float, window: float) -> bool:
    """Whether no visit ends so near to a window's start that it is in doubt."""
    margin = max(2.0, 0.05 * window)
    return all(abs(visit.last_s - start_s) > margin for visit in scene.timeline.visits)


def _yes_and_no(
    scene: Scene,
    template: str,
    text: str,
    window: str,
    moment: float,
    visit: Visit,
    absent: str | None,
) -> Round:
    if absent is None:
        return None
    out = []
    for name, yes in ((visit.name, True), (absent, False)):
        thing = with_article(name)
        said = f"{thing} was {'' if yes else 'not '}seen"
        out.append(
            scene.question(
                "event_occurrence",
                template,
                text.format(a=thing, w=window),
                moment,
                YesNo(yes, said),
                moment - visit.last_s,
            )
        )
    return out
