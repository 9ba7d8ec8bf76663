"""Results as JSON files."""

import json
from pathlib import Path
from typing import Any

from flashstream.whole_file import whole_file


def write_json(path: Path, value: Any) -> None:
    """Write a file whole or not at all."""
    write_whole(path, json.dumps(value, indent=2) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())
