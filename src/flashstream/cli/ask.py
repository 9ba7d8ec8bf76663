"""`flashstream ask`."""

from typing import Annotated, Any

import typer

from flashstream.cli.console import err, out, print_json
from flashstream.cli.options import URL, Json, Url
from flashstream.cli.streams import ago
from flashstream.client import Client


def ask(
    stream: Annotated[str, typer.Argument(help="The stream's id.")],
    question: Annotated[str, typer.Argument(help="A question in words.")],
    max_tokens: Annotated[int | None, typer.Option(help="Longest answer.")] = None,
    url: Url = URL,
    json: Json = False,
) -> None:
    """Ask a question about a stream; the answer is printed as it is made."""
    with Client(url) as client:
        options = {} if max_tokens is None else {"max_tokens": max_tokens}
        if json:
            print_json(client.ask(stream, question, **options))
            return
        answer: dict[str, Any] = {}
        for kind, data in client.ask_stream(stream, question, **options):
            if kind == "token":
                out.print(data["text"], end="", markup=False, highlight=False)
            elif kind == "done":
                answer = data
        out.print()
    memory, timings = answer["memory"], answer["timings"]
    err.print(
        f"[dim]first token {timings['ttft_s']:.2f} s, whole {timings['total_s']:.2f} s; "
        f"memory version {memory['version']}, {memory['age_s']:.1f} s old[/]",
        highlight=False,
    )
    for evidence in answer["evidence"]:
        picture = f"{client.url}{evidence['image']}" if evidence["image"] else "no picture"
        err.print(
            f"[dim]evidence {ago(evidence['start'])} to {ago(evidence['end'])}: {picture}[/]",
            highlight=False,
            soft_wrap=True,
        )
