"""Questions and true answers about a synthetic memory, in varied words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from flashstream.models.demo import clock, wording
from flashstream.models.demo.labels import Labels, mentions, with_article
from flashstream.models.demo.pack import slot_marks
from flashstream.models.demo.scenes import Painter, Story


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question, annotated as the prompt has it, its kind, and the answer to learn."""

    kind: str
    question: str
    answer: str


class Teacher:
    """Asks questions of a story. A kind that the story gives no true answer to is skipped."""

    KINDS = (
        ("now", 0.08),
        ("at", 0.25),
        ("order", 0.30),
        ("seen", 0.12),
        ("unseen", 0.12),
        ("first", 0.04),
        ("neighbour", 0.05),
        ("list", 0.02),
        ("when", 0.02),
    )

    def __init__(self, labels: Labels, painter: Painter, rng: np.random.Generator) -> None:
        self._labels = labels
        self._painter = painter
        self._rng = rng
        self._make: dict[str, Callable[[Story], Lesson | None]] = {
            "now": self._now,
            "at": self._at,
            "order": self._order,
            "seen": self._seen,
            "unseen": self._unseen,
            "first": self._first,
            "neighbour": self._neighbour,
            "list": self._list,
            "when": self._when,
        }

    def lessons(self, story: Story, count: int) -> list[Lesson]:
        """That many questions of kinds drawn by their shares."""
        kinds, shares = zip(*self.KINDS, strict=True)
        total = sum(shares)
        out: list[Lesson] = []
        while len(out) < count:
            kind = str(self._rng.choice(kinds, p=[share / total for share in shares]))
            lesson = self.ask(kind, story)
            if lesson is not None:
                out.append(lesson)
        return out

    def ask(self, kind: str, story: Story) -> Lesson | None:
        """One question of a kind, or None if the story has no true answer to it."""
        return self._make[kind](story)

    def _pick(self, options: tuple[str, ...]) -> str:
        return options[int(self._rng.integers(len(options)))]

    def _now(self, story: Story) -> Lesson:
        return Lesson("now", self._pick(wording.NOW), self._thing(story.scenes[-1].label))

    def _at(self, story: Story) -> Lesson | None:
        rng, slots, as_of = self._rng, story.snapshot.slots, story.snapshot.as_of
        start = story.scenes[0].start_s
        row = int(rng.integers(len(slots.ids)))
        time_s = float(rng.uniform(slots.first_s[row], slots.last_s[row]))
        if rng.random() < 0.05:
            time_s = start - float(rng.uniform(20.0, 5000.0))
        words = self._time_words(time_s, as_of)
        heard = clock.moments(words, as_of)
        if not heard:
            return None
        question = self._pick(wording.AT).format(t=words, T=words[0].upper() + words[1:])
        asked = clock.annotate(question, slots, as_of)
        found = clock.slot_at(slots, heard[0].time_s)
        if found is None:
            return Lesson("at", asked, "Nothing had been seen yet.")
        at_slot = {
            story.label_at(float(time)) for time in (slots.first_s[found], slots.last_s[found])
        }
        if len(at_slot) > 1:
            return None
        return Lesson("at", asked, self._thing(at_slot.pop()))

    def _time_words(self, time_s: float, as_of: float) -> str:
        age = as_of - time_s
        at = datetime.fromtimestamp(time_s, UTC)
        if self._rng.random() < 0.3 and age < 80000:
            return at.strftime("at %H:%M:%S" if age < 1200 else "at %H:%M")
        unit = 0 if age < 100 else 1 if age < 6000 else 2 if age < 360000 else 3
        value = max(1, round(age / (1, 60, 3600, 86400)[unit]))
        if value == 1:
            return f"{'an' if unit == 2 else 'a'} {wording.UNIT_WORDS[unit]} ago"
        return f"{value} {wording.UNIT_WORDS[unit]}s ago"

    def _order(self, story: Story) -> Lesson | None:
        firsts = _first_times(story)
        if len(firsts) < 2:
            return None
        a, b = (int(k) for k in self._rng.choice(list(firsts), 2, replace=False))
        x, y = self._calls(a, story), self._calls(b, story)
        if mentions(x, y) or mentions(y, x):
            return None
        draw = self._rng.random()
        a_first = firsts[a] < firsts[b]
        if draw < 0.7:
            question = self._pick(wording.ORDER_FIRST).format(x=x, y=y)
            return Lesson("order", question, f"The {x if a_first else y}.")
        if draw < 0.85:
            lasts = _last_times(story)
            later = lasts[a] > lasts[b]
            if later == a_first:
                return None
            question = self._pick(wording.ORDER_LAST).format(x=x, y=y)
            return Lesson("order", question, f"The {x if later else y}.")
        question = self._pick(wording.ORDER_YES).format(x=x, y=y)
        answer = f"The {x} came first, so yes." if a_first else f"The {y} came first, so no."
        return Lesson("order", question, answer)

    def _seen(self, story: Story) -> Lesson:
        scene = story.scenes[int(self._rng.integers(len(story.scenes)))]
        thing = with_article(self._calls(scene.label, story))
        return Lesson("seen", self._pick(wording.SEEN).format(a=thing), f"Yes, {thing} was seen.")

    def _unseen(self, story: Story) -> Lesson | None:
        word = self._absent(story)
        if word is None:
            return None
        thing = with_article(word)
        return Lesson(
            "unseen", self._pick(wording.SEEN).format(a=thing), f"No, {thing} was not seen."
        )

    def _absent(self, story: Story) -> str | None:
        """A word for something that no scene is, nor could be called."""
        rng, labels = self._rng, self._labels
        there = {scene.label for scene in story.scenes}
        groups = {labels.groups[k] for k in there}
        draw = rng.random()
        if draw < 0.3:
            word = str(rng.choice(wording.ABSENT.split()))
        elif draw < 0.4:
            word = str(rng.choice(sorted({group for group in labels.groups if group})))
        else:
            some = story.scenes[int(rng.integers(len(story.scenes)))].label
            k = self._painter.alike(some) if draw < 0.55 else int(rng.integers(len(labels.names)))
            if k in there or (labels.groups[k] is not None and labels.groups[k] in groups):
                return None
            word = labels.names[k]
        known = [name for k in there for name in labels.words(k)]
        known += [group for group in groups if group]
        if any(mentions(name, word) or mentions(word, name) for name in known):
            return None
        return word

    def _first(self, story: Story) -> Lesson:
        if self._rng.random() < 0.6:
            return Lesson("first", self._pick(wording.FIRST), self._thing(story.scenes[0].label))
        return Lesson("first", self._pick(wording.LAST), self._thing(story.scenes[-1].label))

    def _neighbour(self, story: Story) -> Lesson | None:
        scenes = story.scenes
        if len(scenes) < 2:
            return None
        at = int(self._rng.integers(len(scenes)))
        if sum(scene.label == scenes[at].label for scene in scenes) > 1:
            return None
        x = self._calls(scenes[at].label, story)
        if at + 1 < len(scenes) and (at == 0 or self._rng.random() < 0.5):
            question = self._pick(wording.AFTER).format(x=x)
            return Lesson("neighbour", question, self._thing(scenes[at + 1].label))
        if at == 0:
            return None
        question = self._pick(wording.BEFORE).format(x=x)
        return Lesson("neighbour", question, self._thing(scenes[at - 1].label))

    def _list(self, story: Story) -> Lesson | None:
        things = [with_article(self._labels.names[k]) for k in _first_times(story)]
        if len(things) > 6:
            return None
        text = " and ".join([", ".join(things[:-1]), things[-1]] if things[1:] else things)
        return Lesson("list", self._pick(wording.LIST), text[0].upper() + text[1:] + ".")

    def _when(self, story: Story) -> Lesson | None:
        scene = story.scenes[int(self._rng.integers(len(story.scenes)))]
        if sum(other.label == scene.label for other in story.scenes) > 1:
            return None
        question = self._pick(wording.WHEN).format(x=self._calls(scene.label, story))
        if scene is story.scenes[-1]:
            return Lesson("when", question, "It is there now.")
        slots, as_of = story.snapshot.slots, story.snapshot.as_of
        row = clock.slot_at(slots, scene.end_s)
        if row is None or story.label_at(float(slots.first_s[row])) != scene.label:
            return None
        value, unit = slot_marks(slots, as_of)[row]
        plural = "" if value == 1 else "s"
        return Lesson("when", question, f"{value:03d} {wording.UNIT_WORDS[unit]}{plural} ago.")

    def _thing(self, label: int) -> str:
        text = with_article(self._labels.names[label])
        return f"{text[0].upper()}{text[1:]}."

    def _calls(self, label: int, story: Story) -> str:
        """What a person may call a thing: its name, its kind ("dog"), or the name's last word,
        as long as no other scene is called so."""
        name = self._labels.names[label]
        options = [name, name]
        group = self._labels.groups[label]
        if group is not None:
            options += [group, group]
        elif " " in name and len(name.split()[-1]) > 2:
            options.append(name.split()[-1])
        if self._rng.random() < 0.15:
            options.append(self._labels.lines[label][-1].lower())
        word = options[int(self._rng.integers(len(options)))]
        others = [scene.label for scene in story.scenes if scene.label != label]
        for k in others:
            if self._labels.groups[k] == word or any(
                mentions(other, word) for other in self._labels.words(k)
            ):
                return name
        return word


def _first_times(story: Story) -> dict[int, float]:
    times: dict[int, float] = {}
    for scene in story.scenes:
        times.setdefault(scene.label, scene.start_s)
    return times


def _last_times(story: Story) -> dict[int, float]:
    return {scene.label: scene.end_s for scene in story.scenes}
