"""The `flashstream` command."""

import logging
import signal
import sys
from typing import Annotated

import typer

from flashstream import __version__
from flashstream.cli import (
    ask,
    bench,
    cameras,
    demo,
    doctor,
    evaluate,
    fleet,
    loadtests,
    serve,
    settings,
    store,
    streams,
)
from flashstream.cli.console import out, print_error
from flashstream.errors import FlashstreamError
from flashstream.logs import configure_logs

app = typer.Typer(
    name="flashstream",
    help="Ask questions, in words, of live cameras: about now and any moment since each was added.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
app.command("serve")(serve.serve)
app.add_typer(streams.app, name="streams")
app.add_typer(fleet.app, name="fleet")
app.command("ask")(ask.ask)
app.command("demo")(demo.demo)
app.command("cameras")(cameras.cameras)
app.command("settings")(settings.settings)
app.command("doctor")(doctor.doctor)
loadtests.add_to(bench.app, app)
app.add_typer(store.app, name="store")
app.add_typer(bench.app, name="bench")
app.add_typer(evaluate.app, name="eval")


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"flashstream {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


def main() -> None:
    """Run the command; an error that a person can act on is printed without a traceback."""
    configure_logs(logging.WARNING)
    # Told to end, a command ends as after Ctrl-C: with all that it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except FlashstreamError as failure:
        print_error(failure)
        sys.exit(failure.exit_code)
