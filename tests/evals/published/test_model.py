"""The configured family as a run takes it."""

from support.published_model import quiet

from flashstream.config import MemorySettings, Settings
from flashstream.evals.published.model import ConfiguredModel


def test_a_full_memory_s_tokens_are_counted() -> None:
    assert ConfiguredModel(Settings(), quiet).memory_tokens() == 635


def test_memory_has_the_configured_policy() -> None:
    settings = Settings(memory=MemorySettings(candidates=1, temper=0.5))
    model = ConfiguredModel(settings, quiet)
    memory = model.memory("a video")
    assert (memory.config.candidates, memory.config.temper) == (1, 0.5)
    assert memory.config == model.memory_config
    assert memory.fingerprint == model.family.fingerprint()
