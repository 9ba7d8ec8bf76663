"""`flashstream doctor`."""

from dataclasses import asdict

import typer
from rich.table import Table

from flashstream.cli.console import err, out, print_json
from flashstream.cli.options import Json
from flashstream.cli.serve import Config, Set, settings_from
from flashstream.doctor import Verdict, examine

_MARKS = {
    Verdict.OK: "[green]✓[/]",
    Verdict.WARNING: "[yellow]![/]",
    Verdict.FAILED: "[red]✗[/]",
}


def doctor(config_file: Config = None, sets: Set = None, json: Json = False) -> None:
    """Check this machine: what is there, what is wrong, and what to do about it."""
    settings = settings_from(config_file, sets)
    with err.status("examining …"):
        findings = list(examine(settings))
    well = all(finding.verdict is not Verdict.FAILED for finding in findings)
    if json:
        print_json({"well": well, "findings": [asdict(finding) for finding in findings]})
    else:
        table = Table("", "check", "found", "what to do")
        for finding in findings:
            table.add_row(_MARKS[finding.verdict], finding.check, finding.found, finding.remedy)
        out.print(table)
    if not well:
        raise typer.Exit(1)
