"""`flashstream serve`."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from flashstream import config
from flashstream.cli.console import err, print_json, progress, stdout_for_results
from flashstream.platform import Platform

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="YAML file with settings (see: flashstream settings)."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, e.g. --set streams.fps=2. May be repeated."),
]


def settings_from(file: Path | None, pairs: list[str] | None, **overrides: Any) -> config.Settings:
    """The settings of a command: file, environment, --set and named options, in that order."""
    changes = config.parsed(pairs or [])
    changes |= {key.replace("__", "."): v for key, v in overrides.items() if v is not None}
    return config.load(file, changes)


@stdout_for_results()
def serve(
    config_file: Config = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    redis_url: Annotated[
        str | None, typer.Option(help="External Redis or Valkey; unset: an embedded one.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    sets: Set = None,
    json: Annotated[bool, typer.Option("--json", help="Print addresses as JSON.")] = False,
) -> None:
    """Run the platform until it is interrupted (Ctrl-C, SIGTERM)."""
    settings = settings_from(
        config_file,
        sets,
        http__host=host,
        http__port=port,
        store__redis_url=redis_url,
        store__data_dir=data_dir,
    )
    environment = dict(os.environ)  # Ray adds to it
    stop = threading.Event()
    with progress(quiet=json) as report:
        platform = Platform(settings, report)
        platform.__enter__()
    try:
        # The start is interrupted by them; from now on they end the wait.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        addresses = {
            "url": platform.url,
            "docs": f"{platform.url}/docs",
            "metrics": platform.metrics_url,
            "logs": str(platform.logs),
        }
        if json:
            print_json(addresses)
        else:
            err.print(f"[bold green]ready[/] at {platform.url}")
            err.print(f"  interface {addresses['docs']}\n  metrics   {addresses['metrics']}")
            err.print(f"  logs      {addresses['logs']}")
            err.print("  stop with Ctrl-C; streams and their memory come back at the next start")
        if died := platform.wait(stop):
            err.print(f"[yellow]Ray's {died} has died, and Ray with it: starting again[/]")
            platform.abandon()
            _start_again(environment)
    finally:
        err.print("stopping: writing memories …")
        platform.__exit__(None, None, None)
    err.print("stopped")


def _start_again(environment: dict[str, str]) -> NoReturn:
    """The same command in this process's place: Ray cannot be started twice in one that has lost
    it. A store that is still there is ended, with all it has, and started anew by that."""
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
