"""`flashstream store …`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from flashstream.cli.console import err, out, print_json
from flashstream.cli.options import Json
from flashstream.cli.serve import Config, Set, settings_from
from flashstream.errors import UnknownStreamError
from flashstream.memory_store.backup import export, restore
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.inspection import damage, inspect, known
from flashstream.memory_store.open import open_store
from flashstream.memory_store.store import Store

app = typer.Typer(help="Look at, check, save and restore stored memories.", no_args_is_help=True)

RedisUrl = Annotated[
    str | None, typer.Option(help="The store; default: store.redis_url, else the embedded one.")
]
Stream = Annotated[str | None, typer.Argument(help="One stream's id; default: all.")]
Streams = Annotated[
    list[str] | None, typer.Option("--stream", help="One stream's id. May be repeated.")
]
Archive = Annotated[Path, typer.Argument(help="The file.")]


@app.command("inspect")
def inspect_store(
    stream: Stream = None,
    redis_url: RedisUrl = None,
    config_file: Config = None,
    sets: Set = None,
    json: Json = False,
) -> None:
    """List streams with what is stored of them, or one stream's records with their sizes."""
    with _opened(redis_url, config_file, sets) as store:
        if stream is not None:
            _records(store, stream, json)
            return
        found = list(inspect(store))
    if json:
        print_json({"items": [asdict(each) for each in found]})
        return
    table = Table("stream", "version", "epoch", "records", "bytes", "as of", "fingerprint", "")
    for each in found:
        marks = ["[red]corrupt[/]"] * each.damaged + ["not registered"] * (not each.registered)
        numbers = (str(each.version), str(each.epoch), str(each.records), f"{each.nbytes:,}")
        table.add_row(
            each.stream, *numbers, _time(each.as_of), each.fingerprint or "-", ", ".join(marks)
        )
    out.print(table)


@app.command()
def verify(
    stream: Stream = None,
    redis_url: RedisUrl = None,
    config_file: Config = None,
    sets: Set = None,
    json: Json = False,
) -> None:
    """Read every record; name those that are corrupt and end with 1 if there are any."""
    with _opened(redis_url, config_file, sets) as store:
        streams = known(store) if stream is None else [_known(store, stream)]
        found = [each for name in streams for each in damage(store, name)]
    if json:
        items = [asdict(each) for each in found]
        print_json({"well": not found, "streams": len(streams), "corrupt": items})
    else:
        for each in found:
            where = escape(f"stream {each.stream}, record {each.record}: {each.why}")
            err.print(f"[red]corrupt[/] {where}", highlight=False, soft_wrap=True)
        out.print(f"{len(streams)} streams read, {len(found)} corrupt records", highlight=False)
    if found:
        raise typer.Exit(1)


@app.command("export")
def export_streams(
    file: Archive,
    stream: Streams = None,
    redis_url: RedisUrl = None,
    config_file: Config = None,
    sets: Set = None,
    json: Json = False,
) -> None:
    """Save streams and their memories in one file."""
    with _opened(redis_url, config_file, sets) as store:
        _done("exported", export(store, file, stream or ()), file, json)


@app.command("import")
def import_streams(
    file: Archive,
    stream: Streams = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite streams that the store has.")
    ] = False,
    redis_url: RedisUrl = None,
    config_file: Config = None,
    sets: Set = None,
    json: Json = False,
) -> None:
    """Restore streams and their memories from a file; stop the service that watches them first."""
    with _opened(redis_url, config_file, sets) as store:
        _done("imported", restore(store, file, stream or (), replace=replace), file, json)


@contextmanager
def _opened(url: str | None, config_file: Path | None, sets: list[str] | None) -> Iterator[Store]:
    settings = settings_from(config_file, sets, store__redis_url=url)
    with ExitStack() as stack:
        if settings.store.redis_url is None:
            data = settings.store.data_dir / "valkey"
            address = stack.enter_context(EmbeddedValkey(data)).url
        else:
            address = settings.store_url()
        store = open_store(address, settings.store.durability)
        stack.callback(store.close)
        yield store


def _known(store: Store, stream: str) -> str:
    there = known(store)
    if stream not in there:
        raise UnknownStreamError(
            f"the store has no stream '{stream}'; it has {len(there)}: {', '.join(there[:10])}"
        )
    return stream


def _records(store: Store, stream: str, json: bool) -> None:
    memory = store.load(_known(store, stream))
    sizes = {name: len(data) for name, data in memory.records.items()} if memory else {}
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    if json:
        print_json({"stream": stream, "records": dict(largest)})
        return
    table = Table("record", "bytes", title=f"{stream}: {len(sizes)} records")
    for name, size in largest:
        table.add_row(escape(name), f"{size:,}")
    out.print(table)


def _done(what: str, streams: list[str], file: Path, json: bool) -> None:
    if json:
        print_json({what: streams, "file": str(file)})
    else:
        out.print(f"[green]{what}[/] {len(streams)} streams, file {file}", highlight=False)


def _time(as_of: float | None) -> str:
    return "-" if as_of is None else datetime.fromtimestamp(as_of, UTC).isoformat(" ", "seconds")
