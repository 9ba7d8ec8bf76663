"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from flashstream.client import DEFAULT_URL

Url = Annotated[
    str,
    typer.Option("--url", envvar="FLASHSTREAM_URL", help="Address of the service."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonPath = Annotated[
    Path | None, typer.Option("--json", metavar="PATH", help="Write the result there as JSON.")
]
URL = DEFAULT_URL
