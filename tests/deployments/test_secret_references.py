"""What the streams' door says to secrets named in an address, before anything is started."""

from pathlib import Path
from typing import NoReturn

import pytest

from flashstream.config import load
from flashstream.deployments.schemas import NewStream
from flashstream.deployments.streams import Streams
from flashstream.errors import NotReadyError, SecretReferenceError


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", ["env:HOME", "env:FLASHSTREAM_HTTP__PORT", "file:/etc/passwd"])
async def test_a_secret_that_may_not_be_named_is_refused_at_the_door(
    name: str, check: bool
) -> None:
    streams = Streams(load(environ={}))
    new = NewStream(id="gate", url=f"rtsp://bob:${{{name}}}@camera/", check=check)
    with pytest.raises(
        SecretReferenceError, match=r"accepted: .*FLASHSTREAM_SECRET_.* below /run/secrets"
    ) as told:
        await streams.add(new)
    assert told.value.status == 400
    assert told.value.details == {"reference": f"${{{name}}}"}


async def test_the_settings_say_what_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_runs(self: Streams) -> NoReturn:
        raise NotReadyError("no fleet")

    monkeypatch.setattr(Streams, "fleet", none_runs)
    overrides = {"streams.secret_dirs": [str(tmp_path)], "streams.secret_env_prefix": "CAM_"}
    streams = Streams(load(overrides=overrides, environ={}))
    for name in (f"file:{tmp_path}/cam7", "env:CAM_7"):
        # Both pass the door; the next thing asked for is the fleet.
        with pytest.raises(NotReadyError, match="fleet"):
            await streams.add(NewStream(id="gate", url=f"rtsp://${{{name}}}@camera/", check=False))
