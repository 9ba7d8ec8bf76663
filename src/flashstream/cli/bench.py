"""`flashstream bench …`: measurements, each with its baseline in the same run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from flashstream.cli.console import check_writable, print_json, progress
from flashstream.cli.options import JsonPath
from flashstream.cli.serve import Config, Set, settings_from
from flashstream.json_file import write_json
from flashstream.models.family import Progress

app = typer.Typer(help="Measure, each claim against its baseline.", no_args_is_help=True)


@app.callback()
def _group() -> None: ...


@app.command()
def answer(config_file: Config = None, sets: Set = None, json: JsonPath = None) -> None:
    """Batching, prefix reuse and flatness of answers, on the configured model."""
    from flashstream.bench import answer as bench

    settings = settings_from(config_file, sets)
    _measure(lambda report: bench.run(settings, report), json)


@app.command()
def memory(json: JsonPath = None) -> None:
    """Speed, error, retrieval and age of both memories, on real clips and a synthetic stream."""
    from flashstream.bench import memory as bench

    _measure(bench.run, json)


@app.command()
def commits(json: JsonPath = None) -> None:
    """Bytes that a fixed camera's memory writes to its store in an hour, by commit interval."""
    from flashstream.bench import commit_volume as bench

    _measure(bench.run, json)


@app.command()
def kernels(json: JsonPath = None) -> None:
    """GPU kernels against torch and against the memory's bandwidth; wants a CUDA GPU."""
    from flashstream.bench import kernels as bench

    _measure(bench.run, json)


def _measure(run: Callable[[Progress], dict[str, Any]], json: Path | None) -> None:
    check_writable(json)
    with progress() as report:
        result = run(report)
    if json is not None:
        write_json(json, result)
    print_json(result)
