"""`flashstream eval world-live`: the running platform against one process."""

from typing import Annotated

import typer

from flashstream.cli.console import check_writable, print_json, progress
from flashstream.cli.options import JsonPath
from flashstream.cli.serve import Config, Set, settings_from
from flashstream.json_file import write_json


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("world-live")(world_live)


def world_live(
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "test",
    seed: Annotated[int, typer.Option(help="Which of the split's worlds.")] = 1,
    minutes: Annotated[float, typer.Option(help="Length; it is shown in real time.")] = 10.0,
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 1.0,
    questions: Annotated[int, typer.Option(min=1, help="The most that are asked.")] = 60,
    config_file: Config = None,
    sets: Set = None,
    json: JsonPath = None,
) -> None:
    """Ask the running platform (RTSP in, HTTP out) what one process is asked: same answers?"""
    from flashstream.evals.world.live.run import run
    from flashstream.evals.world.splits import split_named
    from flashstream.evals.world.world import WorldSpec

    check_writable(json)
    settings = settings_from(config_file, sets)
    spec = WorldSpec(split_named(split), seed, length_s=60 * minutes, fps=fps)
    with progress() as report:
        result = run(settings, spec, report, at_most=questions)
    if json is not None:
        write_json(json, result)
    print_json(result)
