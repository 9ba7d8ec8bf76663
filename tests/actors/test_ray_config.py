"""What a Ray that is started here begins with."""

import os

import pytest

from flashstream.actors.ray_config import set_environment


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("4", "4")])
def test_what_an_operator_has_set_stands(
    before: str | None, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "")  # so that it is as before after the test
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if before is not None:
        monkeypatch.setenv("MALLOC_ARENA_MAX", before)
    set_environment()
    assert os.environ["MALLOC_ARENA_MAX"] == after
