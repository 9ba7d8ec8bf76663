"""`flashstream cameras`."""

import signal
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer

from flashstream.cli.console import err, print_json, progress
from flashstream.cli.options import Json


def cameras(
    port: Annotated[int, typer.Option(help="RTSP port on loopback.")] = 8554, json: Json = False
) -> None:
    """Serve the demo's cameras over RTSP until interrupted, to try the service without one."""
    from flashstream.demo import script
    from flashstream.demo.rtsp import Mount, RtspServer

    stop = threading.Event()
    with tempfile.TemporaryDirectory(prefix="flashstream-cameras-") as folder:
        with progress(quiet=json) as report:
            report("films", 0.0)
            films = script.films(Path(folder))
            report("films", 1.0)
        mounts = {stream: Mount(film.path) for stream, film in films.items()}
        with RtspServer(mounts, port=port) as server:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            urls = {stream: server.url(stream) for stream in films}
            if json:
                print_json(urls)
            else:
                for stream, url in urls.items():
                    err.print(f"[green]serving[/] {url}  ({stream})", highlight=False)
                err.print("stop with Ctrl-C")
            stop.wait()
