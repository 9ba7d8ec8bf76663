"""How streams are listed on a terminal."""

import io

from rich.console import Console

from flashstream.cli import streams


def test_on_a_narrow_terminal_all_stays_whole_but_source_and_labels() -> None:
    row = {
        "id": "front-door-camera-17",
        "state": "reconnecting",
        "since": "2026-11-22T10:34:17Z",
        "frames_seen": 12345,
        "frames_dropped": 12,
        "as_of": "2026-11-22T10:34:17Z",
        "url": "rtsp://127.0.0.1:8554/front-door",
        "labels": {"site": "home", "floor": "2"},
    }
    told = io.StringIO()
    Console(file=told, width=80).print(streams._table([row]))
    for whole in ("front-door-camera-17", "reconnecting", "12345"):
        assert whole in told.getvalue()
    assert len(told.getvalue().strip().splitlines()) <= 4
