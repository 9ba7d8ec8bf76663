"""What commands print with: rich for people, JSON for programs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flashstream.errors import FlashstreamError, SettingError
from flashstream.platform import Report

out = Console()
err = Console(stderr=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output, without colours or wrapping."""
    out.print(json.dumps(value, indent=2), markup=False, highlight=False, soft_wrap=True)


def print_error(failure: FlashstreamError) -> None:
    err.print(f"[bold red]error[/] [red]{failure.code}[/]", highlight=False)
    err.print(f"  {failure.message}", markup=False, highlight=False, soft_wrap=True)


def check_writable(path: Path | None) -> None:
    """Refuse a result path before the work that fills it, not after."""
    if path is not None and not path.parent.is_dir():
        raise SettingError(f"--json {path}: there is no folder {path.parent}")


@contextmanager
def progress(quiet: bool = False) -> Iterator[Report]:
    """A bar for each step that is reported; nothing when quiet."""
    with Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=err,
        disable=quiet,
    ) as bars:
        tasks: dict[str, Any] = {}

        def report(step: str, share: float) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=1.0)
            bars.update(tasks[step], completed=share)

        yield report
