"""`flashstream bench fleet`, `soak` and `chaos`: a service of its own under load."""

from pathlib import Path
from typing import Annotated

import typer

from flashstream.cli.console import check_writable, print_json, progress
from flashstream.cli.options import JsonPath
from flashstream.cli.serve import Set, settings_from
from flashstream.errors import SettingError
from flashstream.json_file import write_json


def add_to(bench: typer.Typer, app: typer.Typer) -> None:
    """Add the commands to their groups."""
    bench.command("fleet")(fleet)
    bench.command("packing")(packing)
    app.command("soak")(soak)
    app.command("chaos")(chaos)


def fleet(
    json: JsonPath = None,
    cameras: Annotated[
        str, typer.Option(help="Numbers of cameras to try, rising, with commas between.")
    ] = "",
    window_s: Annotated[float, typer.Option(help="Seconds that each number is measured.")] = 60.0,
    sets: Set = None,
) -> None:
    """The most cameras that this machine watches while it is asked, and what each costs."""
    from flashstream.loadtests.fleet_bench import Sizes, run

    pairs = _checked(sets, json)
    numbers = _numbers(cameras) if cameras else Sizes().cameras
    with progress() as report:
        result = run(pairs, report, Sizes(cameras=numbers, window_s=window_s))
    _told(result, json)


def packing(
    json: JsonPath = None,
    cameras: Annotated[int, typer.Option(min=1, help="How many are watched.")] = 100,
    sets: Set = None,
) -> None:
    """What a camera costs in a process of its own, and in one with nine others."""
    from flashstream.loadtests.packing import Fleet, run

    pairs = _checked(sets, json)
    with progress() as report:
        result = run(pairs, report, Fleet(cameras=cameras))
    _told(result, json)


def soak(
    minutes: Annotated[float, typer.Option(help="How long, after 45 minutes of warm-up.")] = 30.0,
    json: JsonPath = None,
    sets: Set = None,
) -> None:
    """Sixteen cameras, some of which come and go, and questions: does anything grow?"""
    from flashstream.loadtests.soak import run

    pairs = _checked(sets, json)
    with progress() as report:
        result = run(minutes, pairs, report)
    series = {"warm_up", "series", "asked"}
    _told({name: value for name, value in result.items() if name not in series}, None)
    if json is not None:
        write_json(json, result)


def chaos(
    json: JsonPath = None,
    kinds: Annotated[
        str, typer.Option(help="Faults to make, as KIND=COUNT with commas between; unset: all.")
    ] = "",
    sets: Set = None,
) -> None:
    """Break a service of its own in every way, and count what was lost (root, Linux)."""
    from flashstream.loadtests.chaos.run import Plan, run, usual

    pairs = _checked(sets, json)
    plan = Plan(_counts(kinds)) if kinds else usual()
    with progress() as report:
        result = run(pairs, report, plan)
    _told(result, json)


def _checked(sets: list[str] | None, json: Path | None) -> list[str]:
    """Refuse what cannot work before minutes are spent; the settings, for the service."""
    check_writable(json)
    settings_from(None, sets)
    return sets or []


def _counts(text: str) -> dict[str, int]:
    out = {}
    for part in text.split(","):
        kind, _, count = part.partition("=")
        if not count.isdecimal():
            raise SettingError(f"--kinds {part!r}: write KIND=COUNT, e.g. actor_killed=5")
        out[kind.strip()] = int(count)
    return out


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise SettingError(
            f"--cameras {text!r}: write numbers with commas between, e.g. 8,16"
        ) from None


def _told(result: dict[str, object], json: Path | None) -> None:
    if json is not None:
        write_json(json, result)
    print_json(result)
