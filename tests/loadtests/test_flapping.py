"""Cameras that come and go, of a server that only takes notes."""

import time

import pytest

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


@pytest.mark.parametrize("at_once", [1, 3])
def test_so_many_at_once_come_and_go_and_all_are_there_in_the_end(at_once: int) -> None:
    notes = Notes()
    with Flapping(notes, NAMES, every_s=0.001, away_s=0.001, at_once=at_once) as flapping:  # type: ignore[arg-type]
        until(lambda: notes.seen == set(NAMES) and flapping.count >= 6, 30, 0.01)
    assert notes.most == at_once
    assert not notes.away
    assert flapping.count % at_once == 0
    count = flapping.count
    time.sleep(0.05)
    assert flapping.count == count
