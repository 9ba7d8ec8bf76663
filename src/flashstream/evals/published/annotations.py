"""Reading annotation files, so that whatever is wrong is told with its file and entry."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flashstream.errors import BenchmarkDataError
from flashstream.evals.published.question import LETTERS, Annotations, Question


class Entry:
    """One entry of an annotation file; every way to read a field raises `BenchmarkDataError`."""

    def __init__(self, path: Path, place: str, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self.path = path
        self.place = place

    def wrong(self, what: str) -> BenchmarkDataError:
        """The error to raise for this entry."""
        return BenchmarkDataError(
            f"{self.path}, {self.place}: {what}", file=str(self.path), entry=self.place
        )

    def text(self, key: str, *, empty: bool = False) -> str:
        """A field that is a text or a number, as a text without blanks around it.

        empty: take a text of blanks, too.
        """
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.wrong(f"'{key}' is {_kind(value)}; a text is taken")
        text = str(value).strip()
        if not text and not empty:
            raise self.wrong(f"'{key}' is empty")
        return text

    def number(self, key: str) -> float:
        """A field that is a number, or a text that reads as one."""
        value = self._value(key)
        try:
            if not isinstance(value, bool):
                return float(value)
        except (TypeError, ValueError):
            pass
        raise self.wrong(f"'{key}' is {value!r}; a number is taken")

    def texts(self, key: str, *, empty: bool = False) -> tuple[str, ...]:
        """A field that is a list of texts, at least one; empty: some may be of blanks."""
        value = self._value(key)
        if not isinstance(value, list) or not value:
            raise self.wrong(f"'{key}' is {_kind(value)}; a list of texts is taken")
        return tuple(
            Entry(self.path, self.place, {key: part}).text(key, empty=empty) for part in value
        )

    def parts(self, key: str) -> Iterator["Entry"]:
        """A field that is a list of objects, as entries of their own."""
        value = self._value(key)
        if not isinstance(value, list):
            raise self.wrong(f"'{key}' is {_kind(value)}; a list of objects is taken")
        for number, part in enumerate(value):
            yield _entry(self.path, f"{self.place}, {key} {number}", part)

    def letter(self, options: Sequence[str], key: str = "answer") -> str:
        """A field that is the letter of one of the options."""
        letter = self.text(key).strip("(). ").upper()
        if len(letter) != 1 or letter not in LETTERS[: len(options)]:
            raise self.wrong(
                f"'{key}' is {self.fields[key]!r}; a letter from A to {LETTERS[len(options) - 1]} "
                "is taken"
            )
        return letter

    def letters_of_text(self, options: Sequence[str], key: str = "answer") -> tuple[str, ...]:
        """The letters of the options whose text a field repeats; none if no option has it."""
        answer = self.text(key, empty=True)
        return tuple(
            letter for letter, text in zip(LETTERS, options, strict=False) if text == answer
        )

    def letter_of_index(self, options: Sequence[str], key: str = "answer") -> str:
        """The letter of the option whose number, from 0, a field gives."""
        index = self.number(key)
        if index != int(index) or not 0 <= index < len(options):
            raise self.wrong(f"'{key}' is {index:g}; 0 to {len(options) - 1} is taken")
        return LETTERS[int(index)]

    def _value(self, key: str) -> Any:
        if key not in self.fields or self.fields[key] is None:
            raise self.wrong(f"has no '{key}'; there are: {', '.join(self.fields) or 'no fields'}")
        return self.fields[key]


def first_of(data: Path, *candidates: str) -> Path:
    """The first of some files that is in a data folder; raises naming all that were looked for."""
    if not data.is_dir():
        raise BenchmarkDataError(f"there is no folder {data}", folder=str(data))
    for candidate in candidates:
        if (data / candidate).is_file():
            return data / candidate
    raise BenchmarkDataError(
        f"no annotation in {data}; looked for: {', '.join(candidates)}",
        folder=str(data),
        looked_for=list(candidates),
    )


def json_entries(path: Path) -> Iterator[Entry]:
    """The objects of a JSON file that holds a list of them."""
    content = _json(path, read(path))
    if not isinstance(content, list):
        raise BenchmarkDataError(f"{path} holds {_kind(content)}; a list of objects is taken")
    for number, part in enumerate(content):
        yield _entry(path, f"entry {number}", part)


def json_object(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds."""
    content = _json(path, read(path))
    if not isinstance(content, dict):
        raise BenchmarkDataError(f"{path} holds {_kind(content)}; an object is taken")
    return content


def jsonl_entries(path: Path) -> Iterator[Entry]:
    """The objects of a file with one in each line; empty lines are passed over."""
    for number, line in enumerate(read(path).splitlines(), 1):
        if line.strip():
            yield _entry(path, f"line {number}", _json(path, line, f"line {number}"))


def csv_entries(path: Path, columns: Sequence[str]) -> Iterator[Entry]:
    """The rows of a CSV file whose head has at least these columns."""
    rows = csv.DictReader(read(path).splitlines(keepends=True))
    missing = [name for name in columns if name not in (rows.fieldnames or ())]
    if missing:
        raise BenchmarkDataError(
            f"{path} has no column {', '.join(missing)}; "
            f"its columns are: {', '.join(rows.fieldnames or ()) or 'none'}"
        )
    for row in rows:
        yield Entry(path, f"line {rows.line_num}", row)


def gathered(questions: Sequence[Question], files: Sequence[Path]) -> Annotations:
    """What a loader gives back; raises if there is no question, or an id comes twice."""
    if not questions:
        raise BenchmarkDataError(f"{', '.join(map(str, files))}: there is no question in it")
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise BenchmarkDataError(
                f"{', '.join(map(str, files))}: two questions have the id {question.id!r}"
            )
        seen.add(question.id)
    return Annotations(tuple(questions), tuple(files))


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as failure:
        raise BenchmarkDataError(f"cannot read {path}: {failure.strerror}") from None
    except UnicodeDecodeError:
        raise BenchmarkDataError(f"{path} is not UTF-8 text") from None


def _json(path: Path, text: str, place: str = "") -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as failure:
        where = place or f"line {failure.lineno}"
        raise BenchmarkDataError(f"{path}, {where}: not JSON: {failure.msg}") from None


def _entry(path: Path, place: str, content: Any) -> Entry:
    if not isinstance(content, dict):
        raise BenchmarkDataError(f"{path}, {place}: {_kind(content)}; an object is taken")
    return Entry(path, place, content)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    return names.get(type(value), f"{value!r}") if value != [] else "an empty list"
