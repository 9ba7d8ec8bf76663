"""What was acknowledged has to be there: the ledger on a real memory in a real store."""

from typing import Any

import pytest
from support.memories import CHANNELS, GRID, STAR, scenes

from flashstream.client import Client
from flashstream.loadtests.chaos.ledger import Ledger
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.star import StarMemory


def _nobody() -> Client:
    raise AssertionError("the ledger is told by hand here")


def _told(version: int, as_of: str = "2026-03-02T08:00:00+00:00") -> list[dict[str, Any]]:
    return [{"id": "yard", "durable_version": version, "as_of": as_of}]


@pytest.fixture
def store() -> LocalStore:
    """One stream of six frames, from Unix second 1000 on."""
    made = LocalStore()

    def empty(epoch: int) -> StarMemory:
        return StarMemory(STAR, GRID, CHANNELS, stream="yard", epoch=epoch, fingerprint="f")

    journal = MemoryJournal.open("yard", made, empty)
    for number, frame in enumerate(scenes(6)):
        journal.observe(frame, 1000.0 + number, b"jpeg")
    journal.commit()
    return made


def test_what_is_stored_as_it_was_acknowledged_is_no_problem(store: LocalStore) -> None:
    ledger = Ledger(_nobody)
    for version in (2, 4, 6):
        ledger.note(_told(version))
    assert ledger.audit(store) == []
    assert (ledger.updates, ledger.lost) == (4, 0)


def test_a_version_that_goes_back_is_lost(store: LocalStore) -> None:
    ledger = Ledger(_nobody)
    ledger.note(_told(6))
    ledger.note(_told(4))
    assert ledger.lost == 2


def test_a_version_that_is_not_stored_is_lost(store: LocalStore) -> None:
    ledger = Ledger(_nobody)
    ledger.note(_told(9))
    (problem,) = ledger.audit(store)
    assert "version 9 was acknowledged, 6 is stored" in problem
    assert ledger.lost == 3


def test_a_beginning_that_is_gone_and_a_damaged_record_are_problems(store: LocalStore) -> None:
    ledger = Ledger(_nobody)
    ledger.note(_told(6, "1970-01-01T00:10:00+00:00"))  # 600 s: earlier than what is stored
    (problem,) = ledger.audit(store)
    assert "begins 400.0 s late" in problem
    stored = store.load("yard")
    assert stored is not None
    name = next(name for name in stored.records if name.startswith("slot:"))
    broken = bytearray(stored.records[name])
    broken[-1] ^= 1
    store.commit("yard", stored.epoch, 7, {**stored.records, name: bytes(broken)})
    (problem,) = ledger.audit(store)
    assert name in problem


def test_a_stream_that_has_nothing_stored_yet_is_not_counted() -> None:
    ledger = Ledger(_nobody)
    ledger.note(_told(0))
    assert ledger.updates == 0
    assert ledger.audit(LocalStore()) == []
