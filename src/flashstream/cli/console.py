"""What commands print with: rich for people, JSON for programs."""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flashstream.errors import FlashstreamError, SettingError
from flashstream.platform import Report

out = Console()
err = Console(stderr=True)

_TELL_S = 30.0


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
def stdout_for_results() -> Iterator[None]:
    """Standard output takes what `out` prints and nothing else; what a library prints there, as Ray
    does of processes that have died, goes to standard error."""
    out.file = sys.stdout
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        out.file = None  # type: ignore[assignment]  # as it was: what `sys.stdout` is by then


@contextmanager
def progress(quiet: bool = False) -> Iterator[Report]:
    """A bar for each step that is reported, or lines where there is no terminal; nothing when
    quiet."""
    if quiet:
        yield lambda _step, _share: None
        return
    if not err.is_terminal:
        yield Lines()
        return
    with Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=err,
    ) as bars:
        tasks: dict[str, Any] = {}

        def report(step: str, share: float) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=1.0)
            bars.update(tasks[step], completed=share)

        yield report


class Lines:
    """Progress for a log: when each step begins and ends, and in between how far it is, twice a
    minute. Each line begins with minutes and seconds since the first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_s = clock()
        self._told: dict[str, tuple[float, float]] = {}  # when, and how far each step was

    def __call__(self, step: str, share: float) -> None:
        now = self._clock()
        told_s, told = self._told.get(step, (-math.inf, -1.0))
        if told < 1.0 and (share >= 1.0 or now - told_s >= _TELL_S):
            self._told[step] = now, share
            minutes, seconds = divmod(int(now - self._began_s), 60)
            line = f"{minutes:3d}:{seconds:02d} {share:5.0%} {step}"
            err.print(line, markup=False, highlight=False, soft_wrap=True)
