"""`flashstream streams …`."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from flashstream.cli.console import err, out, print_json
from flashstream.cli.options import URL, Json, Url
from flashstream.client import Client

app = typer.Typer(help="Add, list, show and remove cameras.", no_args_is_help=True)

Stream = Annotated[str, typer.Argument(help="The stream's id.")]


@app.command()
def add(
    stream: Stream,
    source: Annotated[str, typer.Argument(help="rtsp(s)://…, http(s)://… or a file.")],
    fps: Annotated[float | None, typer.Option(help="Frames a second to sample.")] = None,
    live: Annotated[
        bool, typer.Option("--live/--fast", help="Files: in real time, or as fast as can be seen.")
    ] = True,
    loop: Annotated[bool, typer.Option(help="Files: start again at the end.")] = False,
    speed: Annotated[float, typer.Option(help="Files: times faster than real time.")] = 1.0,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Open the source before accepting it.")
    ] = True,
    url: Url = URL,
    json: Json = False,
) -> None:
    """Start watching a camera."""
    with Client(url) as client, err.status(f"connecting to {stream} …"):
        added = client.add_stream(
            stream, source, fps=fps, live=live, loop=loop, speed=speed, check=check
        )
    if json:
        print_json(added)
    else:
        out.print(f"[green]added[/] {stream}: {added['state']}", highlight=False)


@app.command("list")
def list_streams(url: Url = URL, json: Json = False) -> None:
    """List all streams."""
    with Client(url) as client:
        streams = client.streams()
    if json:
        print_json({"items": streams})
        return
    if not streams:
        out.print("no streams yet; add one with: flashstream streams add ID URL")
        return
    table = Table("stream", "state", "since", "frames", "dropped", "newest", "source")
    for stream in streams:
        table.add_row(
            stream["id"],
            _coloured(stream["state"]),
            ago(stream["since"]),
            str(stream["frames_seen"]),
            str(stream["frames_dropped"]),
            ago(stream["as_of"]),
            stream["url"],
        )
    out.print(table)


@app.command()
def show(stream: Stream, url: Url = URL, json: Json = False) -> None:
    """Show one stream and what its memory holds."""
    with Client(url) as client:
        found = client.stream(stream)
        memory = client.memory(stream) if found["memory_version"] else None
    if json:
        print_json({"stream": found, "memory": memory})
        return
    facts = Table.grid(padding=(0, 2))
    for key, value in found.items():
        facts.add_row(f"[dim]{key}[/]", str(value))
    out.print(facts)
    if memory:
        table = Table("slot", "frames", "from", "to", title=f"memory, {memory['tokens']} tokens")
        for slot in sorted(memory["slots"], key=lambda slot: slot["mean"]):
            table.add_row(
                str(slot["id"]), str(slot["weight"]), ago(slot["start"]), ago(slot["end"])
            )
        out.print(table)


@app.command()
def remove(stream: Stream, url: Url = URL, json: Json = False) -> None:
    """Stop watching a camera and delete its memory."""
    with Client(url) as client:
        client.remove_stream(stream)
    if json:
        print_json({"removed": stream})
    else:
        out.print(f"[green]removed[/] {stream} and its memory", highlight=False)


def ago(time: str | None) -> str:
    """An RFC 3339 time as its distance from now."""
    if time is None:
        return "-"
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.1f} s ago"


def _coloured(state: Any) -> str:
    colour = {"live": "green", "ended": "blue", "failed": "red"}.get(state, "yellow")
    return f"[{colour}]{state}[/]"
