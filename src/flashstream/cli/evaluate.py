"""`flashstream eval …`: how right the answers are."""

from pathlib import Path
from typing import Annotated

import typer

from flashstream.cli import world, world_exam
from flashstream.cli.console import check_writable, print_json, progress
from flashstream.cli.options import JsonPath
from flashstream.cli.published import EvalGroup, add_to
from flashstream.cli.serve import Config, Set, settings_from
from flashstream.json_file import write_json

app = typer.Typer(help="Evaluate how right answers are.", no_args_is_help=True, cls=EvalGroup)


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


@app.command()
def needle(
    json: JsonPath = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Draw the result there (.svg, .png).")
    ] = None,
    frames: Annotated[int, typer.Option(help="Length of a day, at 1 frame a second.")] = 36_000,
    days: Annotated[int, typer.Option(help="Days, each with its own event.")] = 8,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one for each core.")
    ] = None,
) -> None:
    """One short event in ten hours: is it in the snapshot, for each policy and baseline?"""
    from flashstream.evals.needle import plot as drawing
    from flashstream.evals.needle.run import run
    from flashstream.evals.needle.stream import Haystack

    check_writable(json)
    if plot is not None:
        drawing.check(plot)
    with progress() as report:
        result = run(report, hay=Haystack(frames=frames), days=days, workers=workers)
    if json is not None:
        write_json(json, result)
    if plot is not None:
        drawing.plot(result, plot)
    print_json(result)


add_to(app)
world.add_to(app)
world_exam.add_to(app)
