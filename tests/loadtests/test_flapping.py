"""Cameras that come and go, of a server that only takes notes."""

import time

from flashstream.loadtests.flapping import Flapping
from flashstream.loadtests.service import until

NAMES = ("a", "b", "c")


class Notes:
    """Who is unplugged, and how many were at the same time."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.most = 0
        self.seen: set[str] = set()

    def unplug(self, name: str, away: bool = True) -> None:
        (self.away.add if away else self.away.discard)(name)
        self.most = max(self.most, len(self.away))
        self.seen |= self.away


def test_one_after_another_comes_and_goes_and_all_are_there_in_the_end() -> None:
    notes = Notes()
    with Flapping(notes, NAMES, every_s=0.001, away_s=0.001) as flapping:  # type: ignore[arg-type]
        until(lambda: notes.seen == set(NAMES) and flapping.count >= 6, 30, 0.01)
    assert notes.most == 1
    assert not notes.away
    count = flapping.count
    time.sleep(0.05)
    assert flapping.count == count
