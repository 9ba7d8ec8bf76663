"""What the service's door says to secrets named in an address, before anything is started."""

from pathlib import Path
from typing import Any, NoReturn, cast

import pytest

from flashstream.config import Settings, load
from flashstream.deployments.schemas import NewStream
from flashstream.deployments.service import Service
from flashstream.errors import NotReadyError, SecretReferenceError


def _service(settings: Settings) -> Service:
    nothing = cast(Any, None)
    return Service(settings, nothing, nothing, nothing)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", ["env:HOME", "env:FLASHSTREAM_HTTP__PORT", "file:/etc/passwd"])
async def test_a_secret_that_may_not_be_named_is_refused_at_the_door(
    name: str, check: bool
) -> None:
    service = _service(load(environ={}))
    new = NewStream(id="gate", url=f"rtsp://bob:${{{name}}}@camera/", check=check)
    with pytest.raises(
        SecretReferenceError, match=r"accepted: .*FLASHSTREAM_SECRET_.* below /run/secrets"
    ) as told:
        await service.add(new)
    assert told.value.status == 400
    assert told.value.details == {"reference": f"${{{name}}}"}


async def test_the_settings_say_what_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_runs(self: Service) -> NoReturn:
        raise NotReadyError("no fleet")

    monkeypatch.setattr(Service, "_fleet", none_runs)
    overrides = {"streams.secret_dirs": [str(tmp_path)], "streams.secret_env_prefix": "CAM_"}
    service = _service(load(overrides=overrides, environ={}))
    for name in (f"file:{tmp_path}/cam7", "env:CAM_7"):
        # Both pass the door; the next thing asked for is the fleet.
        with pytest.raises(NotReadyError, match="fleet"):
            await service.add(NewStream(id="gate", url=f"rtsp://${{{name}}}@camera/", check=False))
