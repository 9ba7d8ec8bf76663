"""`flashstream eval vstream-qa …`: the published benchmarks, a command each."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flashstream.cli.console import check_writable, print_json, progress
from flashstream.cli.options import JsonPath
from flashstream.cli.serve import Config, Set, settings_from
from flashstream.errors import SettingError
from flashstream.evals.published.benchmark import BENCHMARKS, Benchmark
from flashstream.json_file import write_json

Data = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="The data set's folder (docs/published.md).")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="The run's folder; a run in it goes on."),
]
Part = Annotated[str | None, typer.Option(help="Part of the benchmark; unset takes the first.")]
Videos = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Videos, pictures or features, if not in the data folder."),
]
Fps = Annotated[float, typer.Option(min=0.01, max=60, help="Frames a second shown to the model.")]
FolderFps = Annotated[
    float, typer.Option(min=0.01, max=240, help="Pictures a second in folders of pictures.")
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Ask only so many questions, spread over all.")
]
MaxTokens = Annotated[int, typer.Option(min=1, help="Longest answer.")]
SkipMissing = Annotated[
    bool, typer.Option("--skip-missing", help="Leave out questions whose video is missing.")
]
AgainUnjudged = Annotated[
    bool, typer.Option("--again-unjudged", help="Judge again what got no readable verdict.")
]
Plan = Annotated[
    bool, typer.Option("--plan", help="Only check the files, and say what a run would ask.")
]


class EvalGroup(TyperGroup):
    """Names what there is, to whoever asks for something else."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            accepted = ", ".join(self.list_commands(ctx))
            raise SettingError(f"no evaluation is called {name!r}; there are: {accepted}")
        return super().resolve_command(ctx, args)


def add_to(app: typer.Typer) -> None:
    """Add a command for each benchmark."""
    for found in BENCHMARKS:
        parts = f"Parts: {', '.join(found.parts)}." if len(found.parts) > 1 else ""
        app.command(found.name, help=f"{found.about} {parts}".strip())(_command(found))


def _command(found: Benchmark) -> Any:
    def command(
        data: Data,
        out: Out = None,
        part: Part = None,
        videos: Videos = None,
        fps: Fps = 1.0,
        folder_fps: FolderFps = 1.0,
        limit: Limit = None,
        max_tokens: MaxTokens = 64,
        skip_missing: SkipMissing = False,
        again_unjudged: AgainUnjudged = False,
        plan: Plan = False,
        config_file: Config = None,
        sets: Set = None,
        json: JsonPath = None,
    ) -> None:
        from flashstream.evals.published.model import ConfiguredModel
        from flashstream.evals.published.plan import plan as make_plan
        from flashstream.evals.published.run import run
        from flashstream.evals.published.selection import Options

        check_writable(json)
        chosen = found.parts[0] if part is None else part
        found.check_part(chosen)
        if out is None and not plan:
            raise SettingError("give the run's folder with --out DIR", key="out")
        options = Options(
            data=data,
            out=out or Path(),
            part=chosen,
            videos=videos,
            fps=fps,
            folder_fps=folder_fps,
            limit=limit,
            max_tokens=max_tokens,
            skip_missing=skip_missing,
            again_unjudged=again_unjudged,
        )
        settings = settings_from(config_file, sets)
        with progress() as report:
            if plan:
                result = make_plan(found, options, ConfiguredModel(settings, report))
            else:
                result = run(found, options, settings, report)
        if json is not None:
            write_json(json, result)
        print_json(result)

    return command
