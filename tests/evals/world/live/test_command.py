"""`flashstream eval world-live`: what it refuses before it starts anything."""

import subprocess
import sys
from pathlib import Path

import pytest

FLASHSTREAM = str(Path(sys.executable).with_name("flashstream"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--split", "eval"], "train, dev, test"),
        (["--minutes", "0.1"], "20 seconds to 24 hours"),
        (["--set", "http.prot=1"], "unknown key 'http.prot'"),
        (["--json", "/nowhere/x.json"], "there is no folder /nowhere"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], says: str) -> None:
    done = subprocess.run(
        [FLASHSTREAM, "eval", "world-live", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
