"""`flashstream demo`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from flashstream.cli.console import check_writable, out, progress, stdout_for_results
from flashstream.cli.options import JsonPath
from flashstream.cli.serve import Config, Set, settings_from
from flashstream.json_file import write_json


@stdout_for_results()
def demo(
    config_file: Config = None,
    sets: Set = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for the evidence; unset: in the cache.")
    ] = None,
    json: JsonPath = None,
) -> None:
    """Watch three cameras for half a minute, ask about them, and show what is true."""
    from flashstream.demo.run import run

    check_writable(json)
    settings = settings_from(config_file, sets)
    folder = pictures or settings.cache_dir / "demo-evidence"
    folder.mkdir(parents=True, exist_ok=True)
    with progress() as report:
        result = run(settings, folder, report, _show)
    right = sum(answer["correct"] for answer in result["answers"])
    out.print(
        f"\n[bold]{right} of {len(result['answers'])} answers are true[/]; "
        f"{result['seconds']:.0f} s in all; evidence pictures in {result['pictures']}",
        highlight=False,
        soft_wrap=True,
    )
    if json is not None:
        write_json(json, result)


def _show(answer: dict[str, Any]) -> None:
    mark = "[green]✓[/]" if answer["correct"] else "[red]✗[/]"
    out.print(
        f"\n{mark} [bold]{answer['stream']}[/]  {escape(answer['question'])}", highlight=False
    )
    told = "" if answer["correct"] else f"   [dim](true: {escape(answer['expected'])})[/]"
    out.print(f"  [cyan]{escape(answer['answer'])}[/]{told}", highlight=False)
    memory = answer["memory"]
    out.print(
        f"  [dim]first token {answer['ttft_s']:.2f} s, whole {answer['total_s']:.2f} s; "
        f"memory version {memory['version']}, {memory['age_s']:.1f} s old[/]",
        highlight=False,
    )
    for evidence in answer["evidence"]:
        start, end = (_clock(evidence[key]) for key in ("start", "end"))
        name = Path(evidence["file"]).name if "file" in evidence else "no picture"
        out.print(f"  [dim]evidence {start}–{end}  {name}[/]", highlight=False)


def _clock(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")
