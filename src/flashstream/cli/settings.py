"""`flashstream settings`."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr
from rich.table import Table

from flashstream.cli.console import out, print_json
from flashstream.cli.options import Json
from flashstream.cli.serve import Config, Set, settings_from


def settings(config_file: Config = None, sets: Set = None, json: Json = False) -> None:
    """List every setting with its value here and what it means."""
    rows = list(_rows(settings_from(config_file, sets), ""))
    if json:
        print_json({key: value for key, value, _ in rows})
        return
    table = Table("setting", "value", "meaning")
    for key, value, meaning in rows:
        table.add_row(key, str(value), meaning)
    out.print(table)
    out.print(
        "Set one with --set http.port=9000, FLASHSTREAM_HTTP__PORT=9000, or in a YAML file "
        "given by --config."
    )


def _rows(section: BaseModel, prefix: str) -> Iterator[tuple[str, Any, str]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _rows(value, f"{prefix}{name}.")
        else:
            plain = isinstance(value, str | int | float | None) and not isinstance(value, SecretStr)
            yield f"{prefix}{name}", value if plain else str(value), field.description or ""
