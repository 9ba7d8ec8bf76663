"""The encoder's 1000 labels: their lines, the name each is spoken by, and who is named in a text.

Label lines come from the package timm (synset order and lemmas of ImageNet-1k, Apache-2.0).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flashstream.errors import MissingPackageError
from flashstream.media import package_folder

_SPOKEN = {
    59: "vine snake",
    151: "Chihuahua",
    281: "tabby cat",
    436: "station wagon",
    540: "oil rig",
    639: "swimsuit",
    744: "rocket",
    853: "thatched roof",
    916: "web page",
    999: "toilet paper",
}
"""Names where the line's first word alone would mislead or is not what people say."""

_GROUPS: tuple[tuple[str, range], ...] = (
    ("fish", range(0, 4)),
    ("bird", range(7, 25)),
    ("lizard", range(38, 49)),
    ("snake", range(52, 69)),
    ("spider", range(72, 78)),
    ("bird", range(80, 101)),
    ("bird", range(127, 147)),
    ("dog", range(151, 269)),
    ("cat", range(281, 286)),
    ("bear", range(294, 298)),
    ("beetle", range(300, 308)),
    ("butterfly", range(321, 327)),
    ("monkey", range(371, 383)),
)


@dataclass(frozen=True)
class Labels:
    """The label lines, in the order of the encoder's classifier."""

    lines: tuple[tuple[str, ...], ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """One spoken name a label: "Egyptian cat", "espresso"."""
        return tuple(_SPOKEN.get(k, line[0]) for k, line in enumerate(self.lines))

    @cached_property
    def groups(self) -> tuple[str | None, ...]:
        """The plain word for the kind of thing a label is ("dog"), where there is one."""
        found: list[str | None] = [None] * len(self.lines)
        for word, numbers in _GROUPS:
            for k in numbers:
                found[k] = word
        return tuple(found)

    def words(self, label: int) -> tuple[str, ...]:
        """All that a label may be called: its spoken name and the synonyms of its line."""
        return tuple(dict.fromkeys((self.names[label], *self.lines[label])))

    def named(self, text: str, label: int) -> bool:
        """Whether a text names a label by any of its words (see `mentions`)."""
        return any(mentions(text, word) for word in self.words(label))


def with_article(name: str) -> str:
    """ "espresso" → "an espresso"."""
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def mentions(text: str, word: str) -> bool:
    """Whether whole words of the text are `word`, whatever case and number they are in."""
    wanted = _stems(word)
    have = _stems(text)
    span = len(wanted)
    return span > 0 and any(have[i : i + span] == wanted for i in range(len(have) - span + 1))


def _stems(text: str) -> list[str]:
    return [_singular(word) for word in re.findall(r"[a-z0-9]+", text.lower().replace("'s", ""))]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def load_labels() -> Labels:
    """Read the label lines; raises `MissingPackageError` naming timm if they are not there."""
    folder = package_folder("timm")
    info = (folder or Path("timm")) / "data" / "_info"
    order, names = info / "imagenet_synsets.txt", info / "imagenet_synset_to_lemma.txt"
    if folder is None or not order.is_file() or not names.is_file():
        raise MissingPackageError(
            "the names of the encoder's labels come with the package timm, which is not installed; "
            "`pip install --no-deps -r requirements/media.lock` installs it",
            package="timm",
        )
    lemmas = dict(_pairs(names.read_text(encoding="utf-8").splitlines()))
    return Labels(
        tuple(
            tuple(part.strip() for part in lemmas[synset].split(","))
            for synset in order.read_text(encoding="utf-8").split()
        )
    )


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        synset, _, lemma = line.partition("\t")
        yield synset, lemma
