"""Memories that were made beforehand, as the service meets them."""

import time
from functools import partial
from pathlib import Path

import pytest

from flashstream.config import load
from flashstream.loadtests.cameras import Scenes, dealt, films
from flashstream.loadtests.remembered import remember
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.journal import MemoryJournal
from flashstream.memory_store.open import open_store
from flashstream.memory_store.star import StarMemory
from flashstream.models.demo.family import DemoFamily
from flashstream.models.memory import empty_memory
from flashstream.platform import no_report


def test_a_stream_goes_on_from_what_its_camera_is_remembered_to_have_shown(tmp_path: Path) -> None:
    family = DemoFamily()
    shown = dealt(["one", "two"], films(tmp_path, no_report, Scenes(1, 20.0, 1)))
    with EmbeddedValkey(tmp_path / "valkey") as valkey:
        settings = load(None, {"store.redis_url": valkey.url, "memory.thumbnail_bytes": 2500})
        remember(settings, shown, 1.0, 0.02, no_report)
        store = open_store(valkey.url)
        journals = [
            MemoryJournal.open(name, store, partial(_memory, family, name)) for name in shown
        ]
        for memory in (journal.memory for journal in journals):
            assert memory.version == 72
            snapshot = memory.snapshot()
            assert snapshot.as_of == pytest.approx(time.time(), abs=60)
            assert snapshot.slots.weights.sum() == 72
            jpeg = memory.picture(snapshot.slots.pictures[0][0])
            assert jpeg
            assert 1500 < len(jpeg) <= 2500
        store.close()


def _memory(family: DemoFamily, name: str, epoch: int) -> StarMemory:
    return empty_memory(family, name, epoch=epoch)
