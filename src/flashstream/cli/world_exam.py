"""`flashstream eval world` and `world-report`: what memories know of hours, and it as a page."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from flashstream.cli.console import check_writable, err, print_json, progress
from flashstream.cli.options import JsonPath
from flashstream.cli.serve import Config, Set, settings_from
from flashstream.errors import SettingError

PlotPath = Annotated[
    Path | None, typer.Option("--plot", metavar="PATH", help="Draw the result (.svg, .png).")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands about the exam."""
    app.command("world")(world)
    app.command("world-report")(world_report)


def world(
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "test",
    json: JsonPath = None,
    plot: PlotPath = None,
    policies: Annotated[
        str, typer.Option(help="Memories to examine, with commas between; unset: the usual.")
    ] = "",
    of_each: Annotated[
        int | None,
        typer.Option(help="Questions of each kind and horizon from each world; unset: as listed."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the questions.")] = 0,
    features: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep encoded frames there, and take them from there."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that watch; by default one for each core.")
    ] = None,
    config_file: Config = None,
    sets: Set = None,
) -> None:
    """Questions about hours of made-up cameras: right answers of each memory, at one size."""
    from flashstream.evals.needle.plot import check as check_plot
    from flashstream.evals.world.exam import plot as drawing
    from flashstream.evals.world.exam import report as page
    from flashstream.evals.world.exam.policies import USUAL
    from flashstream.evals.world.exam.run import Options, run

    check_writable(json)
    if plot is not None:
        check_plot(plot)
    names = [name.strip() for name in policies.split(",")] if policies else USUAL
    options = Options(split, names, of_each, seed, features, workers)
    settings = settings_from(config_file, sets)
    with progress() as report:
        result = run(options, settings, report)
    if json is not None:
        page.write(json, result)
    if plot is not None:
        drawing.plot(result, plot)
    print_json({name: value for name, value in result.items() if name != "items"})
    for name in ("overall", "horizon", "kind"):
        err.print(_table(page.TABLES[name](result)))


def world_report(
    result: Annotated[Path, typer.Argument(metavar="JSON", help="What `eval world` wrote.")],
    page: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A page whose tables are made anew.")
    ] = None,
    plot: PlotPath = None,
) -> None:
    """Draw a result of `eval world` again, and make a page's tables from it."""
    from flashstream.evals.world.exam import plot as drawing
    from flashstream.evals.world.exam import report

    found = report.read(result)
    if page is not None:
        try:
            text = page.read_text(encoding="utf-8")
        except (OSError, ValueError) as failure:
            raise SettingError(f"--page {page} cannot be read: {failure}") from failure
        page.write_text(report.filled(text, found), encoding="utf-8")
    if plot is not None:
        drawing.plot(found, plot)


def _table(rows: list[list[str]]) -> Any:
    table = Table(*rows[0])
    for row in rows[1:]:
        table.add_row(*row)
    return table
