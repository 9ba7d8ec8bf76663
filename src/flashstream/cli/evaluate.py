"""`flashstream eval …`: how right the answers are."""

import typer

from flashstream.cli.console import check_writable, print_json, progress, write_json
from flashstream.cli.options import JsonPath
from flashstream.cli.serve import Config, Set, settings_from

app = typer.Typer(help="Evaluate how right answers are.", no_args_is_help=True)


@app.callback()
def _group() -> None: ...


@app.command()
def photos(config_file: Config = None, sets: Set = None, json: JsonPath = None) -> None:
    """Photographs not used in training: does the answer name what the encoder sees?"""
    from flashstream.evals import photos as evaluation

    check_writable(json)
    settings = settings_from(config_file, sets)
    with progress() as report:
        result = evaluation.run(settings, report)
    if json is not None:
        write_json(json, result)
    print_json(result)
