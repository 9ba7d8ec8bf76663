"""What a Ray that is started here begins with."""

import os

import pytest

from flashstream.actors.ray_config import set_environment


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("MALLOC_ARENA_MAX", "1"),
        ("RAY_JEMALLOC_LIB_PATH", ""),
        ("RAY_SERVE_CONTROL_LOOP_INTERVAL_S", "0.5"),
        ("GRPC_EXPERIMENTS", "work_stealing,event_engine_client"),
        ("RAY_num_grpc_internal_threads", "4"),
    ],
)
@pytest.mark.parametrize("before", [None, "4"])
def test_what_an_operator_has_set_stands(
    name: str, ours: str, before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {} if before is None else {name: before}
    monkeypatch.setattr(os, "environ", environment)
    set_environment()
    assert environment[name] == (before or ours)
