"""Runs the demo: cameras over RTSP, the platform, questions; then stops all of it."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flashstream.apart import apart
from flashstream.client import Client
from flashstream.config import Settings
from flashstream.demo import script
from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.platform import Platform, Report

FPS = 2.0
Answered = Callable[[dict[str, Any]], None]


def run(settings: Settings, pictures: Path, report: Report, answered: Answered) -> dict[str, Any]:
    """Run it all; `answered` is called with each answer as it comes.

    pictures: a folder for the evidence; each answer's `evidence[…]["file"]` lies there.
    Ports and the store are the demo's own, so that a service that runs here is not disturbed.
    Returns {"answers": […], "seconds": …, "pictures": …}.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flashstream-demo-") as folder:
        report("films", 0.0)
        films = script.films(Path(folder))
        report("films", 1.0)
        own = apart(settings, Path(folder) / "data")
        with Platform(own, report) as platform, Client(platform.url) as client:
            # Each film begins when its stream connects, so that all of it is seen.
            mounts = {stream: Mount(film.path, on_demand=True) for stream, film in films.items()}
            with RtspServer(mounts) as cameras:
                for stream in films:
                    client.add_stream(stream, cameras.url(stream), fps=FPS)
                _watch(report)
                answers = []
                for question in script.questions(films):
                    began_s = cameras.started_at(question.stream) or time.time()
                    text = question.asked_at(time.time() - began_s)
                    answers.append(_ask(client, question, text, pictures))
                    answered(answers[-1])
                for stream in films:
                    client.remove_stream(stream)
            report("stopping", 0.0)
        report("stopping", 1.0)
    return {
        "answers": answers,
        "seconds": round(time.monotonic() - began, 2),
        "pictures": str(pictures),
    }


def _watch(report: Report) -> None:
    seconds = script.watching_s()
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        report("cameras are being watched", gone / seconds)
        time.sleep(0.25)
    report("cameras are being watched", 1.0)


def _ask(client: Client, question: script.Question, text: str, pictures: Path) -> dict[str, Any]:
    answer = client.ask(question.stream, text)
    for number, evidence in enumerate(answer["evidence"]):
        if evidence["image"]:
            name = f"{question.stream}-{evidence['image'].rsplit('/', 1)[1]}"
            (pictures / name).write_bytes(client.picture(evidence["image"]))
            answer["evidence"][number]["file"] = str(pictures / name)
    return {
        "stream": question.stream,
        "question": text,
        "answer": answer["answer"],
        "expected": question.expected,
        "correct": question.is_answered_by(answer["answer"]),
        "ttft_s": answer["timings"]["ttft_s"],
        "total_s": answer["timings"]["total_s"],
        "memory": answer["memory"],
        "evidence": answer["evidence"],
    }
