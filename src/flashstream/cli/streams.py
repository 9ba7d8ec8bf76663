"""`flashstream streams …`."""

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.table import Table

from flashstream.cli.console import err, out, print_json
from flashstream.cli.options import URL, Json, Url
from flashstream.client import Client
from flashstream.errors import InvalidLabelError

app = typer.Typer(help="Add, list, show, change and remove cameras.", no_args_is_help=True)

Stream = Annotated[str, typer.Argument(help="The stream's id.")]
Fps = Annotated[float | None, typer.Option(help="Frames a second to sample.")]
Check = Annotated[
    bool, typer.Option("--check/--no-check", help="Open the source before accepting it.")
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="May be repeated.")
]


@app.command()
def add(
    stream: Stream,
    source: Annotated[str, typer.Argument(help="rtsp(s)://…, http(s)://… or a file.")],
    fps: Fps = None,
    live: Annotated[
        bool, typer.Option("--live/--fast", help="Files: in real time, or as fast as can be seen.")
    ] = True,
    loop: Annotated[bool, typer.Option(help="Files: start again at the end.")] = False,
    speed: Annotated[float, typer.Option(help="Files: times faster than real time.")] = 1.0,
    label: Labels = None,
    check: Check = True,
    url: Url = URL,
    json: Json = False,
) -> None:
    """Start watching a camera."""
    labels = _labels(label or [])
    with Client(url) as client, err.status(f"connecting to {stream} …"):
        added = client.add_stream(
            *(stream, source),
            fps=fps,
            live=live,
            loop=loop,
            speed=speed,
            labels=labels,
            check=check,
        )
    if json:
        print_json(added)
    else:
        out.print(f"[green]added[/] {stream}: {added['state']}", highlight=False)


@app.command("list")
def list_streams(
    label: Labels = None,
    state: Annotated[
        list[str] | None, typer.Option(help="Only streams in it; may be repeated.")
    ] = None,
    part: Annotated[
        str, typer.Option("--query", "-q", help="Only with this in the id or address.")
    ] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    url: Url = URL,
    json: Json = False,
) -> None:
    """List streams by id, all of them unless narrowed."""
    with Client(url) as client:
        found = client.each_stream(labels=label or [], states=state or [], part=part)
        streams = list(islice(found, limit))
    if json:
        print_json({"items": streams})
        return
    if not streams:
        narrowed = label or state or part
        hint = "of that kind" if narrowed else "yet; add one with: flashstream streams add ID URL"
        out.print(f"no streams {hint}")
        return
    out.print(_table(streams))


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
def pause(stream: Stream, url: Url = URL, json: Json = False) -> None:
    """Close a camera; its memory answers on."""
    with Client(url) as client:
        _print_changed("paused", client.pause_stream(stream), json)


@app.command()
def resume(stream: Stream, url: Url = URL, json: Json = False) -> None:
    """Open the camera of a paused stream again."""
    with Client(url) as client:
        _print_changed("resumed", client.resume_stream(stream), json)


@app.command()
def update(
    stream: Stream,
    source: Annotated[str | None, typer.Option(help="Another address of the camera.")] = None,
    fps: Fps = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="All labels from now on; repeat it."),
    ] = None,
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Take all labels away.")] = False,
    check: Check = True,
    url: Url = URL,
    json: Json = False,
) -> None:
    """Change a camera's address, frames a second or labels; its memory stays."""
    changes: dict[str, Any] = {"url": source, "fps": fps}
    if label or no_labels:
        changes["labels"] = _labels(label or [])
    given = {key: value for key, value in changes.items() if value is not None}
    with Client(url) as client, err.status(f"changing {stream} …"):
        changed = client.change_stream(stream, check=check, **given)
    _print_changed("changed", changed, json)


def _print_changed(what: str, stream: dict[str, Any], json: bool) -> None:
    if json:
        print_json(stream)
    else:
        out.print(f"[green]{what}[/] {stream['id']}: {stream['state']}", highlight=False)


def _labels(given: list[str]) -> dict[str, str]:
    labels = {}
    for label in given:
        key, equals, value = label.partition("=")
        if not equals:
            raise InvalidLabelError(f"--label {label!r}; write KEY=VALUE", label=label)
        labels[key] = value
    return labels


@app.command()
def remove(stream: Stream, url: Url = URL, json: Json = False) -> None:
    """Stop watching a camera and delete its memory."""
    with Client(url) as client:
        client.remove_stream(stream)
    if json:
        print_json({"removed": stream})
    else:
        out.print(f"[green]removed[/] {stream} and its memory", highlight=False)


def _table(streams: list[dict[str, Any]]) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    for heading in ("stream", "state", "for", "frames", "dropped", "age"):
        table.add_column(heading, no_wrap=True)
    for heading in ("source", "labels"):  # these give way in a narrow terminal
        table.add_column(heading)
    for stream in streams:
        table.add_row(
            stream["id"],
            _coloured(stream["state"]),
            _since(stream["since"]),
            str(stream["frames_seen"]),
            str(stream["frames_dropped"]),
            _since(stream["as_of"]),
            stream["url"],
            " ".join(f"{key}={value}" for key, value in stream["labels"].items()),
        )
    return table


def ago(time: str | None) -> str:
    """An RFC 3339 time as its distance from now."""
    return "-" if time is None else f"{_since(time)} ago"


def _since(time: str | None) -> str:
    """How long ago that was."""
    if time is None:
        return "-"
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.1f} s"


def _coloured(state: Any) -> str:
    colours = {"live": "green", "ended": "blue", "paused": "blue", "failed": "red"}
    colour = colours.get(state, "yellow")
    return f"[{colour}]{state}[/]"
