"""`flashstream eval world-show` and `world-actors`: look at worlds, and at who acts in them."""

from pathlib import Path
from typing import Annotated

import typer

from flashstream.cli import world_live
from flashstream.cli.console import check_writable, print_json, progress
from flashstream.cli.options import JsonPath
from flashstream.json_file import write_json


def add_to(app: typer.Typer) -> None:
    """Add the commands about stream worlds."""
    app.command("world-show")(world_show)
    app.command("world-actors")(world_actors)
    world_live.add_to(app)


def world_show(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the files go; made if it is not there.")
    ],
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "dev",
    seed: Annotated[int, typer.Option(help="Which of the split's worlds.")] = 1,
    minutes: Annotated[float, typer.Option(help="Length, up to 1440.")] = 10.0,
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 1.0,
    visits: Annotated[
        int | None, typer.Option(help="How often someone comes; by default as the length asks for.")
    ] = None,
    questions: Annotated[int, typer.Option(min=1, help="Questions of each kind.")] = 4,
) -> None:
    """A made-up camera stream of which all is known: film, timeline, questions with answers."""
    from flashstream.evals.world.show import show
    from flashstream.evals.world.splits import split_named
    from flashstream.evals.world.world import WorldSpec

    spec = WorldSpec(split_named(split), seed, length_s=60 * minutes, fps=fps, visits=visits)
    with progress() as report:
        result = show(spec, out, report, of_each=questions)
    print_json(result)


def world_actors(
    json: JsonPath = None,
    renders: Annotated[int, typer.Option(min=1, help="Frames of each picture and size.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of places, sizes, light and noise.")] = 0,
) -> None:
    """Does the demo encoder know the worlds' actors again, drawn by another hand?"""
    from flashstream.evals.world.separability import measure
    from flashstream.models.demo.family import DemoFamily

    check_writable(json)
    with progress() as report:
        result = measure(DemoFamily().encoder("cpu"), report, renders=renders, seed=seed)
    if json is not None:
        write_json(json, result)
    print_json(result)
