"""`flashstream bench …`: measurements, each with its baseline in the same run."""

import typer

from flashstream.cli.console import check_writable, print_json, progress, write_json
from flashstream.cli.options import JsonPath
from flashstream.cli.serve import Config, Set, settings_from

app = typer.Typer(help="Measure, each claim against its baseline.", no_args_is_help=True)


@app.callback()
def _group() -> None: ...


@app.command()
def answer(config_file: Config = None, sets: Set = None, json: JsonPath = None) -> None:
    """Batching, prefix reuse and flatness of answers, on the configured model."""
    from flashstream.bench import answer as bench

    check_writable(json)
    settings = settings_from(config_file, sets)
    with progress() as report:
        result = bench.run(settings, report)
    if json is not None:
        write_json(json, result)
    print_json(result)


@app.command()
def memory(json: JsonPath = None) -> None:
    """Speed, error, retrieval and age of both memories, on real clips and a synthetic stream."""
    from flashstream.bench import memory as bench

    check_writable(json)
    with progress() as report:
        result = bench.run(report)
    if json is not None:
        write_json(json, result)
    print_json(result)


@app.command()
def kernels(json: JsonPath = None) -> None:
    """GPU kernels against torch and against the memory's bandwidth; wants a CUDA GPU."""
    from flashstream.bench import kernels as bench

    check_writable(json)
    with progress() as report:
        result = bench.run(report)
    if json is not None:
        write_json(json, result)
    print_json(result)
