"""`flashstream fleet …`."""

from typing import Annotated, Any

import typer
from rich.table import Table

from flashstream.cli.console import out, print_json
from flashstream.cli.options import URL, Json, Url
from flashstream.cli.streams import ago
from flashstream.client import Client

app = typer.Typer(help="The cluster's nodes and what is watched on them.", no_args_is_help=True)

Node = Annotated[
    str, typer.Argument(help="Id of the node (or its beginning), or a name or address it alone has")
]


@app.command()
def nodes(url: Url = URL, json: Json = False) -> None:
    """List the cluster's nodes."""
    with Client(url) as client:
        found = client.nodes()
    if json:
        print_json({"items": found})
        return
    table = Table("node", "name", "address", "streams", "memory", "drained")
    for node in found:
        table.add_row(
            node["id"][:12],
            node["name"],
            node["address"],
            str(node["streams"]),
            f"{node['memory_bytes'] / (1 << 20):.1f} MiB",
            ago(node["drained"]),
        )
    out.print(table)


@app.command()
def drain(node: Node, url: Url = URL, json: Json = False) -> None:
    """Move what is watched on a node to others; watch it empty with `flashstream fleet nodes`."""
    with Client(url) as client:
        _print(client.drain_node(node), "drained", json)


@app.command()
def undrain(node: Node, url: Url = URL, json: Json = False) -> None:
    """Let a node take streams again."""
    with Client(url) as client:
        _print(client.undrain_node(node), "takes streams again", json)


def _print(node: dict[str, Any], what: str, json: bool) -> None:
    if json:
        print_json(node)
    else:
        out.print(f"[green]{what}[/] {node['name']}: {node['streams']} streams", highlight=False)
