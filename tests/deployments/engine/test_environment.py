"""The process environment while vLLM starts, and after."""

import os

import pytest

from flashstream.deployments.engine.environment import NICENESS, vllm_environment
from flashstream.deployments.engine.settings import EngineSettings


def test_sets_what_vllm_reads_and_puts_all_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "40")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    before = dict(os.environ)
    settings = EngineSettings(threads=2, start_timeout_s=30, niceness=3, idle_threads="spin")
    with pytest.raises(ZeroDivisionError), vllm_environment(settings):  # noqa: PT012
        assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
        assert os.environ[NICENESS] == "3"
        assert os.environ["OMP_NUM_THREADS"] == "2"
        assert os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
        assert os.environ["VLLM_ENGINE_READY_TIMEOUT_S"] == "30"
        assert "VLLM_CPU_KVCACHE_SPACE" not in os.environ
        os.environ["LD_PRELOAD"] = "left-behind.so"  # as vLLM does
        raise ZeroDivisionError
    assert dict(os.environ) == before


def test_a_chosen_log_level_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")
    with vllm_environment(EngineSettings()):
        assert os.environ["VLLM_LOGGING_LEVEL"] == "DEBUG"
