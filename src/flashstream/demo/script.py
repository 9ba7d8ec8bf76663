"""What the demo shows and asks: cameras made of shipped photographs and a clip."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flashstream import media
from flashstream.demo.cameras import Film, Scene, film_of_clip, film_of_photographs

SCENE_S = 8.0
# The last photograph stays on while the questions are asked.
LAST_SCENE_S = 90.0
FILM_FPS = 5
CLIP = "bikes"
SHOWN = {
    "kitchen": ("espresso", "cat", "strawberry", "drum"),
    "yard": ("cheetah", "folding-chair", "goose", "cannon"),
}
STREET = "street"


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose true answer is known from what was shown.

    text: "{ago}" stands for the seconds since `moment_s`, a time of the stream's film.
    expected: the truth in words; accepts: an answer that names one of these is right, unless it
    also names one of `refuses`.
    """

    stream: str
    text: str
    expected: str
    accepts: tuple[str, ...]
    refuses: tuple[str, ...] = ()
    moment_s: float = 0.0

    def asked_at(self, film_s: float) -> str:
        """The question's words when the film has been running for `film_s` seconds."""
        return self.text.format(ago=round(film_s - self.moment_s))

    def is_answered_by(self, answer: str) -> bool:
        return _names(answer, self.accepts) and not _names(answer, self.refuses)


def _names(answer: str, words: Sequence[str]) -> bool:
    pattern = "|".join(rf"\b{re.escape(word)}(?:s|es)?\b" for word in words)
    return bool(words) and re.search(pattern, answer, re.IGNORECASE) is not None


def films(folder: Path) -> dict[str, Film]:
    """Make each camera's film; raises `MissingPackageError` if a picture's package is missing."""
    made = {}
    for stream, names in SHOWN.items():
        scenes = [
            Scene(
                media.locate(name),
                LAST_SCENE_S if name == names[-1] else SCENE_S,
                name,
            )
            for name in names
        ]
        made[stream] = film_of_photographs(scenes, folder / f"{stream}.mp4", fps=FILM_FPS)
    made[STREET] = film_of_clip(media.locate(CLIP), folder / f"{STREET}.mp4", name=CLIP)
    return made


def watching_s() -> float:
    """Seconds until every camera has shown all it has, and the last thing for a while."""
    return SCENE_S * max(len(names) for names in SHOWN.values())


def questions(films: dict[str, Film]) -> list[Question]:
    """What to ask once each camera has shown all it has."""
    asked = []
    for stream in SHOWN:
        first, second, third, last = films[stream].schedule
        others = (first.name, third.name, last.name)
        middle_s = (second.start_s + second.end_s) / 2
        asked += [
            _what(stream, "What does the camera show now?", last.name, others[:2]),
            replace(
                _what(stream, "What was there {ago} seconds ago?", second.name, others),
                moment_s=middle_s,
            ),
            _first(stream, first.name, third.name, swapped=stream == "kitchen"),
        ]
    kitchen, yard = SHOWN
    asked += [
        _seen(kitchen, SHOWN[kitchen][1], True),
        _seen(yard, "pizza", False),
        _seen(STREET, SHOWN[yard][0], False),
    ]
    return asked


def _what(stream: str, text: str, truth: str, others: Sequence[str]) -> Question:
    return Question(stream, text, _word(truth), _words(truth), _words(*others))


def _first(stream: str, earlier: str, later: str, *, swapped: bool) -> Question:
    one, two = (later, earlier) if swapped else (earlier, later)
    text = f"Which came first, the {_word(one)} or the {_word(two)}?"
    return Question(stream, text, _word(earlier), _words(earlier), _words(later))


def _seen(stream: str, thing: str, truth: bool) -> Question:
    known = {entry.name for entry in media.CATALOGUE}
    word = _word(thing) if thing in known else thing
    article = "an" if word[0] in "aeiou" else "a"
    yes, no = ("yes",), ("no",)
    return Question(
        stream,
        f"Has {article} {word} been seen?",
        "yes" if truth else "no",
        yes if truth else no,
        no if truth else yes,
    )


def _word(name: str) -> str:
    return media.medium(name).words[0]


def _words(*names: str) -> tuple[str, ...]:
    return tuple(word for name in names for word in media.medium(name).words)
