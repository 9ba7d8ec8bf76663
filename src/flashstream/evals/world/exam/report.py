"""An exam's result as tables and as JSON."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from flashstream.errors import BenchmarkDataError
from flashstream.evals.world.exam.policies import OURS
from flashstream.json_file import write_whole

Result = dict[str, Any]
Row = list[str]

TITLES: Final = {
    "ours": "ours",
    "fifo": "newest frames",
    "uniform": "evenly spread frames",
    "streaming_kmeans": "streaming k-means",
    "blind": "no memory",
}


def title(policy: str) -> str:
    """What a policy is called before people."""
    return TITLES.get(policy, f"ours, {policy.replace('_', ' ')}")


def overall(result: Result) -> list[Row]:
    """A row for each policy under a heading: share, interval, what ours has more, tokens."""
    rows = [["memory", "right", "95 % interval", "ours has more", "tokens"]]
    for name, share in result["overall"].items():
        more = "" if name == OURS else _difference(result["difference"][name])
        interval = _span(result["interval"][name])
        rows.append([title(name), _percent(share), interval, more, str(result["tokens"][name])])
    chance = _percent(result["chance"]["overall"])
    return [*rows, ["chance", chance, "", "", ""]]


def by(result: Result, what: str) -> list[Row]:
    """A row for each kind, or each horizon ("kind", "horizon"), under a heading: each policy's
    share, chance and the number of questions."""
    names = list(result["overall"])
    rows = [[what, *map(title, names), "chance", "questions"]]
    for key, count in result["asked"][what].items():
        shares = [_percent(result["by_policy"][name][what][key]) for name in names]
        chance = _percent(result["chance"][what][key])
        rows.append([f"{key}", *shares, chance, str(count)])
    return rows


def worlds(result: Result) -> list[Row]:
    """A row for each world under a heading."""
    rows = [["world", "hours", "frames a second", "frames", "visits", "questions"]]
    for world in result["worlds"]:
        hours = f"{world['length_s'] / 3600:.3g}"
        counts = [str(world[name]) for name in ("frames", "visits", "questions")]
        rows.append([world["name"], hours, f"{world['fps']:g}", *counts])
    return rows


def facts(result: Result) -> list[Row]:
    """What the result is of, under a heading."""
    seconds, machine = result["seconds"], result["machine"]
    stages = ", ".join(f"{name} {each:.0f} s" for name, each in seconds.items())
    return [
        ["run", ""],
        ["questions", f"{result['questions']} of split {result['split']}, seed {result['seed']}"],
        ["model", f"{result['model']['files']}, encoder {result['model']['encoder']}"],
        ["rows of a full memory", str(result["rows"])],
        ["machine", f"{machine['cores']} cores {machine['cpu']}, {machine['memory_gib']} GiB"],
        ["time", f"{stages}; {sum(seconds.values()) / 60:.1f} minutes in all"],
    ]


TABLES: Final[Mapping[str, Callable[[Result], list[Row]]]] = {
    "facts": facts,
    "overall": overall,
    "horizon": lambda result: by(result, "horizon"),
    "kind": lambda result: by(result, "kind"),
    "worlds": worlds,
}
"""The tables that a page may ask for, by the name in its markers."""


def markdown(rows: Sequence[Row]) -> str:
    """A table, its first row the heading."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def filled(page: str, result: Result) -> str:
    """A page with the tables between its markers made anew.

    Markers are `<!-- exam:NAME -->` and `<!-- end -->`, each on a line of its own, NAME one of
    `TABLES`. Raises `BenchmarkDataError` if the page asks for another table, or for none.
    """

    def table(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in TABLES:
            raise BenchmarkDataError(f"there is no table {name!r}; there are: {', '.join(TABLES)}")
        return f"<!-- exam:{name} -->\n{markdown(TABLES[name](result))}\n<!-- end -->"

    pattern = r"^<!-- exam:(?P<name>\w+) -->\n.*?^<!-- end -->$"
    made, count = re.subn(pattern, table, page, flags=re.DOTALL | re.MULTILINE)
    if not count:
        raise BenchmarkDataError("the page has no place for a table: <!-- exam:NAME --> … end -->")
    return made


def write(path: Path, result: Result) -> None:
    """A result file, whole or not at all, each question on a line of its own."""
    rest = {name: value for name, value in result.items() if name != "items"}
    head = json.dumps(rest, indent=2, ensure_ascii=False).removesuffix("\n}")
    items = ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in result["items"])
    write_whole(path, f'{head},\n  "items": [\n{items}\n  ]\n}}\n')


def read(path: Path) -> Result:
    """A result file; raises `BenchmarkDataError` if it is none."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise BenchmarkDataError(f"{path} cannot be read as a result: {failure}") from None
    needed = {"overall", "interval", "by_policy", "chance", "asked", "items"}
    if not isinstance(result, dict) or (missing := sorted(needed - result.keys())):
        lacks = "" if not isinstance(result, dict) else f": it lacks {', '.join(missing)}"
        raise BenchmarkDataError(f"{path} is no result of `flashstream eval world`{lacks}")
    return result


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _span(interval: Sequence[float]) -> str:
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


def _difference(difference: Mapping[str, Any]) -> str:
    return f"{100 * difference['share']:+.1f} ({_span(difference['interval'])})"
