"""A run's folder: what was asked, answered and judged, kept line by line as it comes.

`run.json` says what the run is; `results.jsonl` has two kinds of lines, both with the question's
id and the run's fingerprint: an answer, and a verdict on it. Each line is on the disk before that
question's next step is paid for, so that an interrupted run goes on where it was.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import structlog
from filelock import FileLock, Timeout

from flashstream.errors import RunFolderError
from flashstream.json_file import write_json

RUN, RESULTS, LOCK = "run.json", "results.jsonl", "run.lock"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """A model's answer; refused names the error code of a question that it could not take."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """A judge's verdict; correct and score are None where what it said is no verdict."""

    correct: bool | None
    score: float | None
    said: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Ledger:
    """The folder of one run, held by this process until `close`.

    config: what makes results comparable (see `fingerprint`); a folder of another one is refused.
    Raises `RunFolderError`.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder = folder
        self.fingerprint = fingerprint(config)
        self.answers: dict[str, Answered] = {}
        self.verdicts: dict[str, VerdictLine] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise RunFolderError(
                f"cannot make the run's folder {folder}: {failure.strerror}"
            ) from None
        self._lock = FileLock(folder / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RunFolderError(f"another process is running in {folder}") from None
        try:
            self._claim(config)
            end = self._load()
            self._file = (folder / RESULTS).open("ab")
            self._file.truncate(end)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the folder go; harmless when repeated."""
        self._file.close()
        self._lock.release()

    def answer(self, question: str, answer: Answered) -> None:
        """Keep an answer; it is on the disk when this returns."""
        self._append("answer", question, answer)
        self.answers[question] = answer

    def verdict(self, question: str, verdict: VerdictLine) -> None:
        """Keep a verdict; it is on the disk when this returns."""
        self._append("verdict", question, verdict)
        self.verdicts[question] = verdict

    def _append(
        self, step: Literal["answer", "verdict"], question: str, what: Answered | VerdictLine
    ) -> None:
        line = {"step": step, "id": question, "run": self.fingerprint, **asdict(what)}
        self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _claim(self, config: Mapping[str, Any]) -> None:
        path = self.folder / RUN
        if not path.exists():
            if (self.folder / RESULTS).exists():
                raise RunFolderError(
                    f"{self.folder} has {RESULTS} but no {RUN}; give another folder"
                )
            write_json(path, {"fingerprint": self.fingerprint, "config": config})
            return
        try:
            kept = json.loads(path.read_text())
            theirs, known = kept["config"], kept["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError) as failure:
            raise RunFolderError(f"{path} cannot be read: {failure}") from None
        if known != self.fingerprint:
            raise RunFolderError(
                f"{self.folder} holds another run: {_differences(theirs, config)}; give another "
                "folder with --out, or the same configuration to go on",
                folder=str(self.folder),
            )

    def _load(self) -> int:
        """Read the lines there are; returns the bytes that whole lines take."""
        path = self.folder / RESULTS
        content = path.read_bytes() if path.exists() else b""
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            _log.warning("dropped a torn last line", file=str(path), bytes=len(content) - whole)
        for number, line in enumerate(content[:whole].split(b"\n")[:-1], 1):
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError) as failure:
                raise RunFolderError(
                    f"{path}, line {number}: not a line of this run: {failure}"
                ) from None
        return whole

    def _take(self, line: dict[str, Any]) -> None:
        step, question, run = line.pop("step"), line.pop("id"), line.pop("run")
        if run != self.fingerprint:
            raise ValueError(f"it is of run {run}, not {self.fingerprint}")
        if step == "answer":
            self.answers[question] = Answered(**line)
        elif step == "verdict":
            self.verdicts[question] = VerdictLine(**line)
        else:
            raise ValueError(f"step {step!r}")


def fingerprint(config: Mapping[str, Any]) -> str:
    """Short hex digest of a run's configuration."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    keys = sorted({*theirs, *ours})
    told = [
        f"its {key} is {theirs.get(key)!r}, not {ours.get(key)!r}"
        for key in keys
        if theirs.get(key) != ours.get(key)
    ]
    return ", ".join(told) or "its fingerprint differs"
