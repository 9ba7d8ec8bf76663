"""`flashstream store …` on a real Valkey; once as a process, else without its start."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from support.journals import opened
from support.memories import KINDS
from typer.testing import CliRunner, Result

from flashstream.cli.main import app
from flashstream.errors import FlashstreamError
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.redis import RedisStore

FLASHSTREAM = str(Path(sys.executable).with_name("flashstream"))
Run = Callable[..., Result]


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["store", *arguments], env={"COLUMNS": "200"})


def refusal(done: Result) -> FlashstreamError:
    assert isinstance(done.exception, FlashstreamError)
    return done.exception


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as made:
        yield made


@pytest.fixture
def client(server: EmbeddedValkey) -> Iterator[Redis]:
    with Redis.from_url(server.url) as made:
        made.flushall()
        yield made


@pytest.fixture
def run(server: EmbeddedValkey, client: Redis) -> Run:
    """Runs the command on a server that has two memories, of streams yard and gate."""
    kind = KINDS[0]
    store = RedisStore(server.url)
    for stream in ("yard", "gate"):
        journal = opened(kind, store, stream)
        for number, features in enumerate(kind.seen(10), 1):
            journal.observe(features, 1.7e9 + number, b"jpeg")
        journal.commit()
        store.put_stream(stream, {"url": f"rtsp://ada:sesame@{stream}/1"})
    store.close()

    def command(*arguments: str, url: str = server.url) -> Result:
        return invoked(*arguments, "--redis-url", url)

    return command


def test_inspect_lists_streams_and_one_streams_records(run: Run) -> None:
    done = run("inspect", "--json")
    assert done.exit_code == 0, done.stderr
    gate, yard = json.loads(done.stdout)["items"]
    assert (gate["stream"], yard["stream"]) == ("gate", "yard")
    assert (yard["version"], yard["fingerprint"], yard["as_of"]) == (10, "f00d", 1.7e9 + 10)
    assert yard["epoch"] > 0
    done = run("inspect", "yard", "--json")
    records = json.loads(done.stdout)["records"]
    assert len(records) == yard["records"]
    assert sum(records.values()) == yard["nbytes"]
    shown = run("inspect").stdout
    assert "yard" in shown
    assert "2023-11-14" in shown
    assert refusal(run("inspect", "barn")).code == "unknown_stream"


def test_a_record_with_one_flipped_byte_is_named_and_refused(
    run: Run, client: Redis, server: EmbeddedValkey, tmp_path: Path
) -> None:
    well = run("verify", "--json")
    assert (well.exit_code, json.loads(well.stdout)["well"]) == (0, True), well.stderr
    records: Any = client.hgetall("fs:{yard}:records")
    name = min(name.decode() for name in records if name.startswith(b"frame:"))
    data = bytearray(records[name.encode()])
    data[len(data) // 2] ^= 1
    client.hset("fs:{yard}:records", name, bytes(data))
    process = subprocess.run(
        [FLASHSTREAM, "store", "verify", "--redis-url", server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 1
    assert f"stream yard, record {name}" in process.stderr
    done = run("verify", "yard", "--json")
    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)["corrupt"]
    assert (found["stream"], found["record"]) == ("yard", name)
    assert run("verify", "gate").exit_code == 0
    refused = refusal(run("export", str(tmp_path / "memories")))
    assert (refused.code, refused.exit_code) == ("corrupt_record", 1)
    assert f'"{name}"' in refused.message
    assert list(tmp_path.iterdir()) == []


def test_export_and_import(run: Run, client: Redis, tmp_path: Path) -> None:
    file = tmp_path / "memories"
    done = run("export", str(file), "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["exported"] == ["gate", "yard"]
    records, registry = client.hgetall("fs:{yard}:records"), client.hgetall("fs:streams")
    refused = refusal(run("import", str(file)))
    assert (refused.code, refused.exit_code) == ("stream_exists", 2)
    assert "--replace" in refused.message
    client.flushall()
    assert run("import", str(file)).exit_code == 0
    assert run("import", str(file), "--stream", "yard", "--replace").exit_code == 0
    assert client.hgetall("fs:{yard}:records") == records
    assert client.hgetall("fs:streams") == registry
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    refused = refusal(run("import", str(file), "--replace"))
    assert (refused.code, refused.exit_code) == ("archive_failed", 2)
    assert str(file) in refused.message


def test_a_url_that_is_none_and_a_store_that_is_away_are_told(run: Run) -> None:
    refused = refusal(run("inspect", url="redis+sentinel://:sesame@host"))
    assert (refused.code, refused.exit_code) == ("invalid_setting", 2)
    away = refusal(run("verify", url="redis://:sesame@127.0.0.1:9/0"))
    assert (away.code, away.exit_code) == ("store_unavailable", 1)
    assert "sesame" not in refused.message + away.message


def test_the_embedded_stores_data_are_read_when_nothing_else_is_said(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        store = RedisStore(server.url)
        store.put_stream("yard", {})
        store.close()
        where = ("--set", f"store.data_dir={tmp_path}")
        assert "in use by process" in refusal(invoked("inspect", *where)).message
    done = invoked("inspect", "--json", *where)
    assert done.exit_code == 0, done.stderr
    assert [item["stream"] for item in json.loads(done.stdout)["items"]] == ["yard"]
